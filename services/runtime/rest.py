"""At rest: value and subject are sealed under the agency's data key wherever the log or a table holds them.

AES-256-GCM, random nonce in front, AAD = h("renkei/rest/1", agency, `value` or `subject`, control); the header `sealed`
names the key. Look-up columns hold HMAC-SHA-256(index key, kind, value). Destroying the key shreds log and tables.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cryptography.exceptions import InvalidTag

from schemas.directory import DEFAULT_SYSTEM
from schemas.message import Message
from schemas.text import instant
from schemas.wire.frame import digest, keyed
from services.runtime.clock import Clock
from services.runtime.errors import MissingKey
from services.runtime.keys import KeyRings, PrivateKey

Part = Literal["value", "subject"]

INTERNAL: bytes = b"n"
LINK: bytes = b"c"
"""First byte of a subject at rest: an internal number (既存番号), or a link code (リンクコード) without a row here."""


class Unreadable(Exception):
    """What was sealed at rest does not open: another agency's, another message's, or altered."""


@dataclass(frozen=True)
class AtRest:
    """Sealing and opening for the agencies whose data keys this process holds."""

    keys: KeyRings
    clock: Clock

    def key(self, agency: str) -> PrivateKey:
        """The agency's data key of today."""
        return self.keys.of(agency).current("data", instant(self.clock()))

    def seal(self, agency: str, control: bytes, parts: Mapping[Part, bytes]) -> dict[str, bytes]:
        """The parts sealed for one record, with the header `sealed` that names the key."""
        key = self.key(agency)
        out: dict[str, bytes] = {name: sealed_part(key, agency, name, control, data) for name, data in parts.items()}
        return out | {"sealed": key.kid.encode()}

    def holds(self, message: Message) -> bool:
        """Whether the key that a record from outside names is a data key of its agency, and held here."""
        ring, kid = self.keys.get(message.key), message.headers.get("sealed", b"").decode("ascii", "replace")
        return ring is not None and kid in ring.by_kid and ring.by_kid[kid].purpose == "data"

    def open(self, message: Message, part: Part) -> bytes:
        """A part of a record in clear."""
        control = message.headers["control"]
        data = message.value if part == "value" else message.headers.get("subject", b"")
        return self.open_part(
            message.key, message.headers.get("sealed", b"").decode("ascii", "replace"), part, control, data
        )

    def open_part(self, agency: str, kid: str, part: Part, control: bytes, data: bytes) -> bytes:
        """The same for what a table holds."""
        key = self.keys.of(agency).by_kid.get(kid)
        if key is None or key.purpose != "data":
            raise MissingKey(f"agency {agency} has no such data key here")
        return opened_part(key, agency, part, control, data)

    def index(self, agency: str, kind: str, value: bytes) -> bytes:
        """A look-up column: HMAC-SHA-256(index key, kind, value)."""
        return keyed(self.key(agency).index_key, kind, value)

    def request(self, agency: str, system: str, content: bytes) -> bytes:
        """By what a request of a posting system is known again; `content` is the digest over it and its subject, which
        could be guessed. The same request by another system is another one: its asker could not read the answer."""
        by = content if system == DEFAULT_SYSTEM else digest("renkei/request/system/1", system, content)
        return self.index(agency, "request", by)


def sealed_part(key: PrivateKey, agency: str, part: Part, control: bytes, data: bytes) -> bytes:
    """nonce || ciphertext."""
    nonce = os.urandom(12)
    return nonce + key.box.encrypt(nonce, data, _aad(agency, part, control))


def opened_part(key: PrivateKey, agency: str, part: Part, control: bytes, data: bytes) -> bytes:
    """The inverse; `Unreadable` if it does not open."""
    try:
        return key.box.decrypt(data[:12], data[12:], _aad(agency, part, control))
    except (InvalidTag, ValueError):
        raise Unreadable(f"the {part} does not open under the agency's data key") from None


def _aad(agency: str, part: Part, control: bytes) -> bytes:
    return digest("renkei/rest/1", agency, part, control)
