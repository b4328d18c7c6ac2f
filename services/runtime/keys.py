"""Key rings: one sealed file a (block, agency), read at start and on change (architecture section 2).

A ring file is nonce || AES-256-GCM(key-encryption key, nonce, aad = ⟨"renkei/ring/1", block, agency⟩, JSON).
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas import canonical
from schemas.directory import DEFAULT_SYSTEM, Purpose, SystemName
from schemas.text import AgencyCode, Binary, Digest, Instant, Record, decoded, to_bytes
from schemas.wire import suites
from schemas.wire.frame import frame
from schemas.wire.sign import Signer
from services.runtime.errors import Misconfigured, MissingKey

LIMIT: Final = 1024 * 1024
_CODE: Final = re.compile(r"[0-9A-Z]{1,16}")


class PrivateKey(Record):
    """A private or symmetric key, named by the kid of its record or of its hash."""

    agency: AgencyCode
    purpose: Purpose
    algorithm: suites.Algorithm
    kid: Digest
    private: Binary
    starts: Instant
    until: Instant
    system: SystemName | None = None
    """The posting system of an assertion or answer key; absent: `default`."""

    @property
    def posting_system(self) -> str:
        """The system that the key belongs to, if its purpose is one of `POSTING`."""
        return self.system or DEFAULT_SYSTEM

    @cached_property
    def secret(self) -> bytes:
        return to_bytes(self.private)

    @cached_property
    def box(self) -> AESGCM:
        """For data keys: the cipher."""
        return AESGCM(self.secret)

    @cached_property
    def index_key(self) -> bytes:
        """For data keys: HKDF(data key, "renkei/index/1"), under which look-up columns are made."""
        return HKDF(hashes.SHA256(), 32, None, b"renkei/index/1").derive(self.secret)

    @cached_property
    def _signer(self) -> Signer:
        return Signer(self.kid, self.algorithm, self.secret)

    def signer(self) -> Signer:
        return self._signer


class Ring(Record):
    """The keys of one agency in one block."""

    agency: AgencyCode
    keys: list[PrivateKey]

    def usable(self, purpose: Purpose, at: str) -> list[PrivateKey]:
        """The keys that are valid at the instant `at`, the one that began last in front."""
        return [key for key in self._by_purpose.get(purpose, ()) if key.starts <= at < key.until]

    def current(self, purpose: Purpose, at: str) -> PrivateKey:
        """The key to use at the instant `at`: the one that began last; `MissingKey` if there is none."""
        for key in self._by_purpose.get(purpose, ()):
            if key.starts <= at < key.until:
                return key
        raise MissingKey(
            f"agency {self.agency} has no {purpose} key for {at[:10]}: see `renkei keys renew {self.agency}`"
        )

    @cached_property
    def _by_purpose(self) -> dict[Purpose, list[PrivateKey]]:
        found: dict[Purpose, list[PrivateKey]] = defaultdict(list)
        for key in sorted(self.keys, key=lambda key: key.starts, reverse=True):
            found[key.purpose].append(key)
        return found

    @cached_property
    def by_kid(self) -> dict[str, PrivateKey]:
        return {key.kid: key for key in self.keys}


@dataclass
class KeyRings:
    """The rings that this process may use; a file that changed is read again."""

    folder: Path
    key_encryption_key: bytes = field(repr=False)
    block: str
    _rings: dict[str, Ring] = field(default_factory=dict, repr=False)
    _read: dict[Path, int] = field(default_factory=dict)
    _looked: int = 0

    def refresh(self) -> None:
        """Reads what is new or changed. A ring is replaced as a whole file, so the folder tells whether there is any."""
        folder = self.folder / self.block
        changed = folder.stat().st_mtime_ns if folder.exists() else 0
        if changed != self._looked:
            for path in folder.glob("*.ring"):
                self._load(path)
        self._looked = changed

    def get(self, agency: str) -> Ring | None:
        """The agency's ring, if its keys are held here; a ring that was just made is found at once."""
        if agency not in self._rings and self.block and _CODE.fullmatch(agency):
            path = self.folder / self.block / f"{agency}.ring"
            if path.exists():
                self._load(path)
        return self._rings.get(agency)

    def of(self, agency: str) -> Ring:
        """The agency's ring; `MissingKey` if this installation does not hold its keys."""
        ring = self._rings.get(agency) or self.get(agency)
        if ring is None:
            raise MissingKey(f"no key ring of agency {agency} in block {self.block}")
        return ring

    def _load(self, path: Path) -> None:
        changed = path.stat().st_mtime_ns
        if self._read.get(path) != changed:
            self._rings[path.stem] = opened(path.read_bytes(), self.key_encryption_key, self.block, path.stem)
            self._read[path] = changed

    def agencies(self) -> Iterable[str]:
        return self._rings.keys()


def sealed(ring: Ring, key_encryption_key: bytes, block: str) -> bytes:
    """A ring as its file holds it."""
    nonce = os.urandom(12)
    return nonce + AESGCM(key_encryption_key).encrypt(nonce, ring.encoded(), _ring_aad(block, ring.agency))


def opened(data: bytes, key_encryption_key: bytes, block: str, agency: str) -> Ring:
    """The ring in a file; `Misconfigured` if the file was altered, moved, or sealed under another key."""
    try:
        plain = AESGCM(key_encryption_key).decrypt(data[:12], data[12:], _ring_aad(block, agency))
        ring = decoded(Ring, plain, LIMIT)
    except (InvalidTag, ValueError, canonical.Malformed):
        raise Misconfigured(
            f"the {block} key ring of agency {agency} does not open under this key-encryption key"
        ) from None
    return ring


def read_key_encryption_key(path: Path) -> bytes:
    """The 32 bytes in `path`."""
    try:
        key = path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"key-encryption key {path}: {error.strerror}") from None
    if len(key) != 32:
        raise Misconfigured(f"key-encryption key {path}: expected 32 bytes, found {len(key)}")
    return key


def _ring_aad(block: str, agency: str) -> bytes:
    return frame("renkei/ring/1", block, agency)
