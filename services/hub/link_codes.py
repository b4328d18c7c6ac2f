"""Link codes (リンクコード): the same person is named differently at every agency, and only the hub can translate.

A link code is a keyed permutation of the core id: AES-256 of one block, under a key of the agency's own. Half of the block
is zero before it is encrypted, so that a code that was never issued does not decrypt to a core id (2^-64).
"""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.wire.frame import frame
from services.runtime.wrapping import Bounded

BLOCK = 16
CORE = 8


@dataclass(frozen=True)
class LinkCodes:
    """The permutation key, and the agencies' ciphers made from it."""

    key: bytes = field(repr=False)
    _ciphers: Bounded[str, "Cipher[modes.ECB]"] = field(default_factory=lambda: Bounded(4096), repr=False)

    def issue(self, agency: str, core: int) -> str:
        """The person's link code at `agency`: 32 hexadecimal digits."""
        block = core.to_bytes(CORE, "big") + bytes(BLOCK - CORE)
        return self._cipher(agency).encryptor().update(block).hex()

    def core(self, agency: str, link_code: str) -> int | None:
        """The core id behind a link code of `agency`; None for what was never one."""
        try:
            data = bytes.fromhex(link_code)
        except ValueError:
            return None
        if len(data) != BLOCK or data.hex() != link_code:
            return None
        block = self._cipher(agency).decryptor().update(data)
        return int.from_bytes(block[:CORE], "big") if not any(block[CORE:]) else None

    def _cipher(self, agency: str) -> "Cipher[modes.ECB]":
        cipher = self._ciphers.get(agency)
        if cipher is None:
            info = frame("renkei/link-code/1", agency)
            derived = HKDF(hashes.SHA256(), 32, None, info).derive(self.key)
            # One block under a key of its own: ECB is the block cipher itself, which is the permutation wanted here.
            cipher = self._ciphers.put(agency, Cipher(algorithms.AES256(derived), modes.ECB()))  # noqa: S305
        return cipher
