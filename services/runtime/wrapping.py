"""Bounded memories of public-key work: content keys for receivers, verified roots, unwrapped keys. All may be lost."""

import os
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from schemas.directory import KeyRecord
from schemas.wire.seal import CONTENT_KEY_LIFE, CONTENT_KEY_USES, ContentKey, content_key
from services.runtime.clock import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass
class Bounded(Generic[K, V]):
    """The most recently used entries, `size` of them at most."""

    size: int
    _entries: "OrderedDict[K, V]" = field(default_factory=OrderedDict)

    def get(self, key: K) -> V | None:
        """What was put there, if it is still here; then it is the last to go."""
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def put(self, key: K, value: V) -> V:
        """Keeps it, in place of what was used longest ago; returns it."""
        self[key] = value
        return value

    def __setitem__(self, key: K, value: V) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self.size:
            self._entries.popitem(last=False)

    def drop(self, key: K) -> None:
        """Nothing, where it is not here."""
        self._entries.pop(key, None)

    def __contains__(self, key: K) -> bool:
        return key in self._entries


@dataclass
class ContentKeys:
    """K and W per wrap key: one HPKE operation an hour instead of one a message (message.md section 3)."""

    clock: Clock
    _keys: Bounded[str, "_Used"] = field(default_factory=lambda: Bounded(10_000))

    def for_receiver(self, record: KeyRecord) -> ContentKey:
        """A content key for the holder of `record`, made anew after an hour, 65,536 messages, or a new record."""
        used = self._keys.get(record.kid)
        if used is None or used.spent(self.clock().timestamp()):
            secret = os.urandom(32)
            made = content_key(record.algorithm, record.public, record.agency, record.kid, secret)
            used = self._keys.put(record.kid, _Used(made, self.clock().timestamp()))
        used.count += 1
        return used.key


@dataclass
class _Used:
    key: ContentKey
    since: float
    count: int = 0

    def spent(self, now: float) -> bool:
        return self.count >= CONTENT_KEY_USES or now - self.since >= CONTENT_KEY_LIFE.total_seconds()
