"""Committing to what is said, sealing it for the receiver, sealing the person for the hub; and opening both.

message.md section 3. Everything is deterministic but content keys, wraps and nonces of subjects, which are handed in.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.business import LIMIT
from schemas.control import FACELESS, Control
from schemas.refusal import Refusal, RefusalCode, SecurityCode, SecurityEvent
from schemas.text import to_bytes, to_text
from schemas.wire import suites
from schemas.wire.envelope import Seal, identity
from schemas.wire.frame import digest, frame, keyed

SMALLEST: Final = 4096
"""Plaintexts are padded to a power of two, at least this: the length of an answer tells nothing."""
SALT: Final = 32
NONCE: Final = 12
TAG: Final = 16
CONTENT_KEY_LIFE: Final = timedelta(hours=1)
CONTENT_KEY_USES: Final = 65_536

_ZERO: Final = bytes(NONCE)
"""One key per plaintext: nonce 0 is safe."""


@dataclass(frozen=True, slots=True)
class ContentKey:
    """K and its wrap W for one receiver's key `kid`; used for at most an hour or 65,536 messages."""

    kid: str
    secret: bytes
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class Commitment:
    """s and t, hB and hS, and the identity M that follows from them and the control part."""

    salt: bytes
    subject_salt: bytes
    business: bytes
    subject: bytes
    identity: bytes

    def seal(self, *, sign: str, wrap: str, hub: str) -> bytes:
        """N as it travels, with the ids of the keys used."""
        return Seal(hB=to_text(self.business), hS=to_text(self.subject), sign=sign, wrap=wrap, hub=hub).encoded()


def content_key(algorithm: str, public: bytes, agency: str, kid: str, secret: bytes) -> ContentKey:
    """W = HPKE-Seal(receiver's key, ⟨"renkei/wrap/1", receiver, wrap kid⟩, K)."""
    return ContentKey(kid, secret, suites.encapsulate(algorithm, public, _wrap_info(agency, kid), secret))


def unwrap(algorithm: str, private: bytes, agency: str, kid: str, wrapped: bytes) -> bytes:
    """K out of W; a wrap that does not open is a commitment that nobody can check."""
    if len(wrapped) != suites.WRAPPED.get(algorithm):
        raise SecurityEvent(SecurityCode.COMMITMENT_MISMATCH, "a wrapped key holds 32 bytes and nothing else")
    try:
        return suites.decapsulate(algorithm, private, _wrap_info(agency, kid), wrapped)
    except suites.Unacceptable as error:
        raise SecurityEvent(SecurityCode.COMMITMENT_MISMATCH, str(error)) from None


def commit(said: Control, control: bytes, business: bytes, link_code: bytes, salt_key: bytes) -> Commitment:
    """Commitments to the clear text: the same at every sealing, since the salts follow from the message's id."""
    about = (said.sender, said.receiver, said.id)
    s = keyed(salt_key, "renkei/salt/business/1", *about)
    t = b"" if said.kind in FACELESS else keyed(salt_key, "renkei/salt/subject/1", *about)
    hB = business_commitment(s, business)
    hS = subject_commitment(t, link_code)
    return Commitment(s, t, hB, hS, identity(control, hB, hS))


def business_commitment(salt: bytes, business: bytes) -> bytes:
    """hB."""
    return digest("renkei/business/1", salt, business)


def subject_commitment(salt: bytes, link_code: bytes) -> bytes:
    """hS, and hS' of the hub."""
    return digest("renkei/subject/1", salt, link_code)


def seal_business(secret: bytes, commitment: Commitment, business: bytes) -> bytes:
    """E = AES-256-GCM(k, nonce 0, aad M, s || length of B || B || zeros to a power of two); `Refusal` (too_large)."""
    if len(business) > LIMIT:
        raise Refusal(RefusalCode.TOO_LARGE, "message.md section 6")
    plain = commitment.salt + len(business).to_bytes(4, "big") + business
    size = max(SMALLEST, 1 << (len(plain) - 1).bit_length())
    key = AESGCM(message_key(secret, commitment.identity))
    return key.encrypt(_ZERO, plain.ljust(size, b"\0"), commitment.identity)


def open_business(secret: bytes, identity: bytes, sealed: bytes, committed: bytes) -> bytes:
    """B, if E opens, is padded as it must be and is what hB commits to (the study's 署名検証)."""
    try:
        plain = AESGCM(message_key(secret, identity)).decrypt(_ZERO, sealed, identity)
    except InvalidTag:
        raise SecurityEvent(SecurityCode.COMMITMENT_MISMATCH, "the business part does not open") from None
    salt, length = plain[:SALT], int.from_bytes(plain[SALT : SALT + 4], "big")
    business, padding = plain[SALT + 4 : SALT + 4 + length], plain[SALT + 4 + length :]
    size = max(SMALLEST, 1 << (SALT + 4 + length - 1).bit_length())
    if length > LIMIT:
        raise SecurityEvent(SecurityCode.COMMITMENT_MISMATCH, f"the business part is larger than {LIMIT} bytes")
    if len(plain) != size or len(business) != length or padding != bytes(len(padding)):
        raise SecurityEvent(SecurityCode.COMMITMENT_MISMATCH, "the business part is not padded as it must be")
    if business_commitment(salt, business) != committed:
        raise SecurityEvent(SecurityCode.COMMITMENT_MISMATCH, "the business part is not what was signed")
    return business


def check_lengths(algorithm: str, wrap: bytes, sealed: bytes) -> None:
    """What can be said of W and E without opening them; an E of another length would reveal its content's."""
    padded = len(sealed) - TAG
    if len(wrap) != suites.WRAPPED.get(algorithm) or padded < SMALLEST or padded & (padded - 1):
        raise SecurityEvent(SecurityCode.MALFORMED, "wrap or value is not of a length that sealing gives")


def message_key(secret: bytes, identity: bytes) -> bytes:
    """k = HKDF-SHA-256(K, info = ⟨"renkei/content/1", M⟩)."""
    return HKDF(hashes.SHA256(), 32, None, frame("renkei/content/1", identity)).derive(secret)


def seal_subject(key: ContentKey, nonce: bytes, aad: bytes, salt: bytes, link_code: bytes) -> bytes:
    """U = Wh || nonce || AES-256-GCM(Kh, nonce, aad, t || L)."""
    return key.wrapped + nonce + AESGCM(key.secret).encrypt(nonce, salt + link_code, aad)


def split_subject(algorithm: str, sealed: bytes) -> tuple[bytes, bytes]:
    """(Wh, the rest): how long the wrap is follows from the algorithm of the key it was made for."""
    length = suites.WRAPPED.get(algorithm, 0)
    if len(sealed) <= length + NONCE + SALT + TAG:  # with a link code of one byte at least
        raise SecurityEvent(SecurityCode.SUBJECT_MISMATCH, "the sealed subject is too short")
    return sealed[:length], sealed[length:]


def open_subject(secret: bytes, aad: bytes, boxed: bytes, committed: bytes) -> bytes:
    """L, if the box opens and holds what hS commits to."""
    try:
        plain = AESGCM(secret).decrypt(boxed[:NONCE], boxed[NONCE:], aad)
    except InvalidTag:
        raise SecurityEvent(SecurityCode.SUBJECT_MISMATCH, "the subject does not open") from None
    if subject_commitment(plain[:SALT], plain[SALT:]) != committed:
        raise SecurityEvent(SecurityCode.SUBJECT_MISMATCH, "the subject is not the one that was signed")
    return plain[SALT:]


def _wrap_info(agency: str, kid: str) -> bytes:
    return frame("renkei/wrap/1", agency, to_bytes(kid))
