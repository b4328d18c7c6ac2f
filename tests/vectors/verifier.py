"""The wire format of Renkei, written a second time from its specification alone.

Nothing here imports the project: what this file and the project agree on is what `design/message.md` says. Section
numbers without a name are those of that page. Run it as `python tests/vectors/verifier.py FILE…` on files of vectors.

Words: a *record* is a Kafka record as a mapping; *keys* maps the text of a kid to its key record; letters (C, N, M, U,
…) are the letters of section 3.
"""

import base64
import hashlib
import hmac
import json
import re
import sys
import unicodedata
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple, NoReturn, TypedDict

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

Json = Mapping[str, Any]
Keys = Mapping[str, Json]
Reason = Literal[
    "malformed", "too_large", "unknown_key", "key_revoked", "bad_signature", "bad_permit", "wrong_receiver",
    "subject_mismatch", "commitment_mismatch", "clock_skew", "expired",
]  # fmt: skip

KINDS = frozenset({"inquiry", "response", "notification", "refusal", "receipt"})
WITHOUT_SUBJECT = frozenset({"refusal", "receipt"})
PURPOSES = frozenset({"root", "sign", "wrap", "permit", "salt", "data", "log", "assertion", "answer"})
KIB = 1024
LIMITS = dict.fromkeys(("seal", "wrap", "subject"), 2 * KIB) | {
    "control": 16 * KIB,
    "signature": 4 * KIB,
    "permit": 8 * KIB,
}
"""Section 6, in bytes."""
BUSINESS_LIMIT = 512 * KIB
SMALLEST_PLAINTEXT = 4 * KIB
LARGEST_TREE = 65_536
SKEW = timedelta(minutes=5)
LONGEST_LIFE = timedelta(days=31)

SIGNING = frozenset({"ed25519", "ecdsa-p256"})
SEALING = frozenset({"x25519", "ecdh-p256"})
PUBLIC_LENGTH = {"ed25519": 32, "x25519": 32, "ecdsa-p256": 65, "ecdh-p256": 65}
KEM = {"x25519": 0x0020, "ecdh-p256": 0x0010}
"""RFC 9180 section 7.1."""
WRAPPED = 32 + 16
"""A wrapped content key without its encapsulation: 32 bytes and the tag."""
SUITES = {"1": frozenset({"ed25519", "x25519"}), "2": frozenset({"ecdsa-p256", "ecdh-p256"})}

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
FIELD = 2**255 - 19
SMALL_EDWARDS = frozenset({
    0, 1, FIELD - 1,
    2707385501144840649318225287225658788936804267575313519463743609750303402022,
    55188659117513257062467267217118295137698188065244968500265048394206261417927,
})  # fmt: skip
"""The y of every Edwards point whose order divides 8 (the test computes them)."""
SMALL_MONTGOMERY = frozenset({
    0, 1, FIELD - 1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
})  # fmt: skip
"""The u of every point of curve25519 or its twist whose order divides 8 (RFC 7748 section 6.1)."""


class Record(TypedDict):
    """Architecture section 2: key is an agency's code, value is E, headers are bytes by name."""

    key: str
    value: bytes
    headers: Mapping[str, bytes]


class Invalid(Exception):
    """The input does not hold. `reason` is a name of section 5; the text never repeats what was in the input."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason


def require(holds: bool, reason: Reason, detail: str) -> None:
    """Raise Invalid unless the rule holds."""
    if not holds:
        raise Invalid(reason, detail)


# — spelling: section 1


ESCAPES = str.maketrans(
    {chr(code): f"\\u{code:04x}" for code in range(0x20)}
    | {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
)


def canonical(value: object) -> bytes:
    """The one spelling of a JSON value (section 1)."""
    try:
        return spell(value).encode("utf-8")
    except (UnicodeEncodeError, RecursionError) as error:
        raise Invalid("malformed", "the value has no canonical spelling") from error


def spell(value: object) -> str:
    """One value; null, floats and everything else that is not in section 1 have no spelling."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        require(abs(value) < 2**53, "malformed", "an integer is below 2^53")
        return str(value)
    if isinstance(value, str):
        require(normal_form(value) == value, "malformed", "text is in normal form")
        return f'"{value.translate(ESCAPES)}"'
    if isinstance(value, list | tuple):
        return f"[{','.join(map(spell, value))}]"
    if isinstance(value, Mapping):
        return f"{{{','.join(spell_members(value))}}}"
    raise Invalid("malformed", f"no spelling for {type(value).__name__}")


def normal_form(text: str) -> str:
    """Every CJK compatibility ideograph as it is, every run between them in NFC (section 1)."""
    runs, kept = [""], list[str]()
    for character in text:
        if "\uf900" <= character <= "\ufaff" or "\U0002f800" <= character <= "\U0002fa1f":
            kept.append(character)
            runs.append("")
        else:
            runs[-1] += character
    return "".join(unicodedata.normalize("NFC", run) + after for run, after in zip(runs, [*kept, ""], strict=True))


def spell_members(value: Mapping[object, object]) -> Iterator[str]:
    """The members of an object in the order of their ASCII keys."""
    names = [name for name in value if isinstance(name, str) and name.isascii()]
    require(len(names) == len(value), "malformed", "keys are ASCII text")
    return (f"{spell(name)}:{spell(value[name])}" for name in sorted(names))


def parse_canonical(data: bytes) -> dict[str, Any]:
    """An object, if these bytes are its one spelling: what was parsed is serialised again and compared (section 1)."""
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=unique, parse_float=no_number, parse_constant=no_number
        )
    except (ValueError, RecursionError) as error:
        raise Invalid("malformed", "not UTF-8 JSON") from error
    require(isinstance(value, dict), "malformed", "not an object")
    require(canonical(value) == data, "malformed", "not the canonical spelling")
    return dict(value)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object names no key twice."""
    members = dict(pairs)
    require(len(members) == len(pairs), "malformed", "a key is given twice")
    return members


def no_number(text: str) -> NoReturn:
    """Fractions, exponents, NaN and Infinity are no numbers here."""
    raise Invalid("malformed", "only integers")


def encode(data: bytes) -> str:
    """base64url without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: object) -> bytes:
    """base64url without padding, in the one spelling: trailing bits are zero (RFC 4648 section 3.5)."""
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        raise Invalid("malformed", "not base64url without padding")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    require(encode(data) == text, "malformed", "base64url with trailing bits")
    return data


def field(value: Json, name: str, kind: type) -> Any:
    """A required member of exactly this type (a boolean is no integer)."""
    require(type(value.get(name)) is kind, "malformed", f"{name} is not {kind.__name__}")
    return value[name]


def number(value: Json, name: str) -> int:
    """A member that counts something: never negative."""
    require(field(value, name, int) >= 0, "malformed", f"{name} is negative")
    return int(value[name])


def binary(value: Json, name: str, length: int) -> bytes:
    """A member that is base64url of exactly so many bytes."""
    data = decode(value.get(name))
    require(len(data) == length, "malformed", f"{name} has not {length} bytes")
    return data


def exactly(value: Json, names: str) -> None:
    """The object has these members and no others: unknown fields are refused (section 1)."""
    require(value.keys() == set(names.split()), "malformed", f"members are not exactly {names}")


def moment(value: Json, name: str) -> datetime:
    """A time spelt 2026-11-24T09:00:00.000Z (section 1)."""
    text = field(value, name, str)
    pattern = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
    require(re.fullmatch(pattern, text) is not None, "malformed", f"{name} is not a time")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid("malformed", f"{name} is not a time") from error


def identifier(value: Json, name: str) -> str:
    """A lower-case UUID (section 1)."""
    text = field(value, name, str)
    pattern = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    require(re.fullmatch(pattern, text) is not None, "malformed", f"{name} is not a lower-case UUID")
    return str(text)


# — framing, digests, identities: section 3


def frame(*parts: bytes | str | int) -> bytes:
    """⟨a, b, …⟩: each part after its length in 4 bytes, big-endian; text is UTF-8, a number has 8 bytes."""
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in map(part_bytes, parts))


def part_bytes(part: bytes | str | int) -> bytes:
    """One part of a frame."""
    if isinstance(part, int):
        return part.to_bytes(8, "big")
    return part.encode("utf-8") if isinstance(part, str) else part


def sha256(data: bytes) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(data).digest()


def digest(*parts: bytes | str | int) -> bytes:
    """h(a, b, …) = SHA-256(⟨a, b, …⟩)."""
    return sha256(frame(*parts))


def mac(key: bytes, *parts: bytes | str | int) -> bytes:
    """HMAC-SHA-256(key, ⟨a, b, …⟩)."""
    return hmac.digest(key, frame(*parts), "sha256")


def key_id(agency: str, purpose: str, algorithm: str, public: bytes) -> bytes:
    """kid = h("renkei/key/1", agency, purpose, algorithm, public key): 32 bytes."""
    return digest("renkei/key/1", agency, purpose, algorithm, public)


def business_salt(key: bytes, sender: str, receiver: str, message_id: str) -> bytes:
    """s of section 3."""
    return mac(key, "renkei/salt/business/1", sender, receiver, message_id)


def subject_salt(key: bytes, sender: str, receiver: str, message_id: str) -> bytes:
    """t of section 3."""
    return mac(key, "renkei/salt/subject/1", sender, receiver, message_id)


def permit_salt(key: bytes, hub: str, receiver: str, message: bytes) -> bytes:
    """t' of section 3."""
    return mac(key, "renkei/salt/permit/1", hub, receiver, message)


def business_commitment(salt: bytes, business: bytes) -> bytes:
    """hB = h("renkei/business/1", s, B)."""
    return digest("renkei/business/1", salt, business)


def subject_commitment(salt: bytes, link_code: bytes | str) -> bytes:
    """hS = h("renkei/subject/1", t, L); hS' likewise."""
    return digest("renkei/subject/1", salt, link_code)


NOBODY = subject_commitment(b"", b"")
"""hS and hS' of a refusal or receipt."""


def identity(control: bytes, business: bytes, subject: bytes) -> bytes:
    """M = h("renkei/message/1", C, hB, hS)."""
    return digest("renkei/message/1", control, business, subject)


def derived_id(message: bytes, kind: str, receiver: str, position: int) -> str:
    """The id of what follows from M: UUIDv8 (RFC 9562 section 5.8) of 16 bytes of h("renkei/id/1", …) (section 1)."""
    raw = bytearray(digest("renkei/id/1", message, kind, receiver, position)[:16])
    raw[6] = 0x80 | raw[6] & 0x0F
    raw[8] = 0x80 | raw[8] & 0x3F
    return str(uuid.UUID(bytes=bytes(raw)))


# — trees: RFC 9162 section 2.1


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data)."""
    return sha256(b"\x00" + data)


def message_leaf(message: bytes, seal: bytes, value: bytes, wrap: bytes, subject: bytes) -> bytes:
    """leaf = SHA-256(0x00 || ⟨"renkei/leaf/1", M, …⟩) over the SHA-256 of N, E, W and U."""
    return leaf_hash(frame("renkei/leaf/1", message, seal, value, wrap, subject))


def permit_leaf(decision: bytes, leaf: bytes, wrap_kid: bytes, subject: bytes, time: str) -> bytes:
    """pl = SHA-256(0x00 || ⟨"renkei/permit-leaf/1", …⟩) over the SHA-256 of D and U', leaf, kid and time."""
    return leaf_hash(frame("renkei/permit-leaf/1", decision, leaf, wrap_kid, subject, time))


def verify_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that leaf and path lead to (RFC 9162 section 2.1.3.2); a path of any other length is refused."""
    require(0 <= index < size <= LARGEST_TREE, "malformed", "index < size <= 65,536")
    node, last, root = index, size - 1, leaf
    for sibling in path:
        require(last > 0, "malformed", "the path is too long")
        if node & 1 or node == last:
            root = sha256(b"\x01" + sibling + root)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            root = sha256(b"\x01" + root + sibling)
        node, last = node >> 1, last >> 1
    require(last == 0, "malformed", "the path is too short")
    return root


@dataclass(frozen=True)
class Tree:
    """What headers `signature` and `permit` say about the tree: one signature over its root, one path to it."""

    signature: bytes
    size: int
    index: int
    path: list[bytes]

    @classmethod
    def read(cls, value: Json) -> "Tree":
        """From the members signature, size, index and path."""
        path = [binary({"path": node}, "path", 32) for node in field(value, "path", list)]
        return cls(binary(value, "signature", 64), number(value, "size"), number(value, "index"), path)

    def signed(self, label: str, kid: bytes, leaf: bytes) -> bytes:
        """⟨label, kid, size, root⟩: what the signature is over."""
        return frame(label, kid, self.size, verify_path(leaf, self.index, self.size, self.path))


# — keys and signatures: section 3, "Keys"


def check_public(algorithm: str, public: bytes) -> None:
    """A public key has the length of its algorithm, is a point of its curve, and is not of small order."""
    require(len(public) == PUBLIC_LENGTH.get(algorithm), "unknown_key", "no such algorithm or wrong length")
    low = int.from_bytes(public, "little") & (2**255 - 1)
    if algorithm == "ed25519":
        require(low < FIELD and low not in SMALL_EDWARDS, "unknown_key", "a small-order or non-canonical key")
    elif algorithm == "x25519":
        require(low % FIELD not in SMALL_MONTGOMERY, "unknown_key", "a small-order key")
    else:
        p256_public(public)


def p256_public(public: bytes) -> ec.EllipticCurvePublicKey:
    """An uncompressed point of P-256 (SEC 1 section 2.3.4)."""
    require(public[:1] == b"\x04", "unknown_key", "not an uncompressed point")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
    except ValueError as error:
        raise Invalid("unknown_key", "not a point of P-256") from error


def p256_private(private: bytes) -> ec.EllipticCurvePrivateKey:
    """A scalar of P-256, 32 bytes big-endian."""
    try:
        return ec.derive_private_key(int.from_bytes(private, "big"), ec.SECP256R1())
    except ValueError as error:
        raise Invalid("unknown_key", "not a scalar of P-256") from error


def public_of(algorithm: str, private: bytes) -> bytes:
    """The raw public key that belongs to a raw private key of 32 bytes."""
    require(len(private) == 32, "unknown_key", "a private key has 32 bytes")
    if algorithm == "ed25519":
        return bytes(SigningKey(private).verify_key)
    if algorithm == "x25519":
        return x25519.X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    point = p256_private(private).public_key()
    return point.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def verify_signature(algorithm: str, public: bytes, message: bytes, signature: bytes) -> None:
    """Ed25519 as libsodium verifies it, or ECDSA over P-256 and SHA-256 as r || s with low s."""
    require(algorithm in SIGNING, "unknown_key", "not an algorithm that signs")
    check_public(algorithm, public)
    require(len(signature) == 64, "bad_signature", "a signature has 64 bytes")
    try:
        if algorithm == "ed25519":
            VerifyKey(public).verify(message, signature)
        else:
            p256_public(public).verify(low_s_der(signature), message, ec.ECDSA(hashes.SHA256()))
    except (BadSignatureError, InvalidSignature) as error:
        raise Invalid("bad_signature", "the signature does not hold") from error


def low_s_der(signature: bytes) -> bytes:
    """r || s as DER; of the two signatures (r, s) and (r, n - s) only the one with the lower s is accepted."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    require(s <= P256_ORDER // 2, "bad_signature", "s is high")
    return encode_dss_signature(r, s)


def sign(algorithm: str, private: bytes, message: bytes) -> bytes:
    """The deterministic signature: Ed25519 (RFC 8032), or ECDSA by RFC 6979 with low s."""
    if algorithm == "ed25519":
        return bytes(SigningKey(private).sign(message).signature)
    der = p256_private(private).sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    r, s = decode_dss_signature(der)
    return r.to_bytes(32, "big") + min(s, P256_ORDER - s).to_bytes(32, "big")


def check_key(record: Json) -> bytes:
    """The public key of a key record, whose kid must follow from owner, purpose, algorithm and key."""
    require(record.get("type") == "key", "unknown_key", "not a key record")
    require(record.get("purpose") in PURPOSES, "unknown_key", "no such purpose")
    agency, purpose, algorithm = (field(record, name, str) for name in ("agency", "purpose", "algorithm"))
    public = decode(record.get("key"))
    check_public(algorithm, public)
    named = binary(record, "kid", 32)
    require(named == key_id(agency, purpose, algorithm, public), "unknown_key", "the kid does not follow from the key")
    require(moment(record, "from") < moment(record, "until"), "unknown_key", "the key is never valid")
    return public


def find_key(keys: Keys, kid: bytes, owner: str, purpose: str) -> Json:
    """The record of a kid, if it has this owner and purpose and was not revoked (a revocation holds on arrival)."""
    record = keys.get(encode(kid))
    if record is None:
        raise Invalid("unknown_key", f"no {purpose} key of this kid")
    check_key(record)
    require(record["kid"] == encode(kid), "unknown_key", "the record has another kid")
    require((record["agency"], record["purpose"]) == (owner, purpose), "unknown_key", f"not the owner's {purpose} key")
    algorithms = SEALING if purpose == "wrap" else SIGNING
    require(record["algorithm"] in algorithms, "unknown_key", f"a {purpose} key of another algorithm")
    require("revoked" not in record, "key_revoked", f"the {purpose} key was revoked")
    return record


def check_validity(record: Json, first: datetime, last: datetime) -> None:
    """The key is valid at some moment of first..last: from <= moment < until."""
    within = moment(record, "from") <= last and first < moment(record, "until")
    require(within, "unknown_key", "the key is not valid at this time")


def verify_key_record(data: bytes, signature: bytes, root: Json) -> dict[str, Any]:
    """A directory record of type key, signed by its agency's root key over ⟨"renkei/record/1", type, bytes⟩."""
    record = parse_canonical(data)
    required = {"agency", "algorithm", "from", "key", "kid", "purpose", "type", "until", "version"}
    require(
        required <= record.keys() <= required | {"revoked", "system"}, "malformed", "not the members of a key record"
    )
    number(record, "version")
    posting = record["purpose"] in ("assertion", "answer")
    require("system" not in record or posting, "malformed", "only keys of posting systems name one")
    check_key(record)
    require(record["agency"] == root["agency"], "unknown_key", "the root key is another agency's")
    verify_signature(root["algorithm"], decode(root["key"]), frame("renkei/record/1", "key", data), signature)
    return record


def hub_of(keys: Keys) -> str:
    """The hub's code where nobody gave it: the one agency that owns permit keys."""
    owners = {str(record.get("agency")) for record in keys.values() if record.get("purpose") == "permit"}
    require(len(owners) == 1, "unknown_key", "the keys do not tell who is the hub")
    return owners.pop()


# — sealing: section 3, RFC 9180 (HPKE, base mode, single shot), written out


def extract(salt: bytes, secret: bytes) -> bytes:
    """HKDF-Extract with SHA-256 (RFC 5869 section 2.2)."""
    return hmac.digest(salt, secret, "sha256")


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-256 (RFC 5869 section 2.3); one block is all that is needed here."""
    return hmac.digest(key, info + b"\x01", "sha256")[:length]


def labeled_extract(suite: bytes, salt: bytes, label: bytes, secret: bytes) -> bytes:
    """RFC 9180 section 4."""
    return extract(salt, b"HPKE-v1" + suite + label + secret)


def labeled_expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """RFC 9180 section 4."""
    return expand(key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def diffie_hellman(algorithm: str, private: bytes, public: bytes) -> bytes:
    """The shared secret: X25519 (all zeros refused), or the x of P-256 (RFC 9180 section 7.1.4)."""
    check_public(algorithm, public)
    if algorithm == "x25519":
        own = x25519.X25519PrivateKey.from_private_bytes(private)
        return own.exchange(x25519.X25519PublicKey.from_public_bytes(public))
    return p256_private(private).exchange(ec.ECDH(), p256_public(public))


def decrypt(key: bytes, nonce: bytes, sealed: bytes, bound: bytes, reason: Reason) -> bytes:
    """AES-256-GCM with `bound` as aad."""
    try:
        return AESGCM(key).decrypt(nonce, sealed, bound)
    except (InvalidTag, ValueError) as error:
        raise Invalid(reason, "a sealed text does not open") from error


def hpke_open(algorithm: str, private: bytes, info: bytes, sealed: bytes, reason: Reason = "malformed") -> bytes:
    """HPKE single-shot open of enc || ciphertext: HKDF-SHA256, AES-256-GCM, no aad (RFC 9180, 4.1, 5.1, 6.1)."""
    kem = KEM[algorithm].to_bytes(2, "big")
    length = PUBLIC_LENGTH[algorithm]
    point, sealed_text = sealed[:length], sealed[length:]
    suite = b"KEM" + kem
    secret = labeled_extract(suite, b"", b"eae_prk", diffie_hellman(algorithm, private, point))
    shared = labeled_expand(suite, secret, b"shared_secret", point + public_of(algorithm, private), 32)
    suite = b"HPKE" + kem + b"\x00\x01\x00\x02"
    no_psk = labeled_extract(suite, b"", b"psk_id_hash", b"")
    context = b"\x00" + no_psk + labeled_extract(suite, b"", b"info_hash", info)
    secret = labeled_extract(suite, shared, b"secret", b"")
    key = labeled_expand(suite, secret, b"key", context, 32)
    nonce = labeled_expand(suite, secret, b"base_nonce", context, 12)
    return decrypt(key, nonce, sealed_text, b"", reason)


def unwrap(wrapped: bytes, private: bytes, key: Json, reason: Reason = "malformed") -> bytes:
    """K of W (or Kh of Wh, K' of W'): info = ⟨"renkei/wrap/1", owner, kid⟩; the private key must be the record's."""
    require(public_of(key["algorithm"], private) == check_key(key), "unknown_key", "the private key is another one's")
    info = frame("renkei/wrap/1", key["agency"], decode(key["kid"]))
    return hpke_open(key["algorithm"], private, info, wrapped, reason)


def wrapped_length(key: Json) -> int:
    """Bytes of a wrapped content key: encapsulation (32 or 65), 32, tag."""
    return PUBLIC_LENGTH[key["algorithm"]] + WRAPPED


def content_key(secret: bytes, message: bytes) -> bytes:
    """k = HKDF-SHA-256(K, no salt, info = ⟨"renkei/content/1", M⟩), 32 bytes."""
    return expand(extract(b"", secret), frame("renkei/content/1", message), 32)


def plaintext(salt: bytes, business: bytes) -> bytes:
    """s || length of B || B || zeros, to the next power of two and at least 4 KiB."""
    text = salt + len(business).to_bytes(4, "big") + business
    return text.ljust(max(SMALLEST_PLAINTEXT, 1 << (len(text) - 1).bit_length()), b"\x00")


def seal_content(key: bytes, message: bytes, salt: bytes, business: bytes) -> bytes:
    """E, which follows from k: nonce 0, aad = M."""
    return AESGCM(key).encrypt(bytes(12), plaintext(salt, business), message)


def open_rest(key: bytes, sealed: bytes, agency: str, part: Literal["value", "subject"], control: bytes) -> bytes:
    """What is at rest: nonce || AES-256-GCM with aad = h("renkei/rest/1", agency, part, C) (architecture section 2)."""
    return decrypt(key, sealed[:12], sealed[12:], digest("renkei/rest/1", agency, part, control), "malformed")


# — reading the parts


class Said(NamedTuple):
    """Control part and seal, read and checked, and the identity that follows from them."""

    control: dict[str, Any]
    seal: dict[str, Any]
    message: bytes

    @property
    def has_subject(self) -> bool:
        """Receipts and refusals have none."""
        return self.control["kind"] not in WITHOUT_SUBJECT

    @property
    def life(self) -> tuple[datetime, datetime]:
        """created and expires."""
        return moment(self.control, "created"), moment(self.control, "expires")

    def kid(self, name: Literal["sign", "wrap", "hub"]) -> bytes:
        """A key id of the seal, 32 bytes."""
        return decode(self.seal[name])


class Permit(NamedTuple):
    """Header `permit`, read and checked for shape."""

    value: dict[str, Any]
    decision: dict[str, Any]
    tree: Tree

    @property
    def decision_bytes(self) -> bytes:
        """D: the canonical spelling of the nested object."""
        return canonical(self.decision)


class Digests(NamedTuple):
    """SHA-256 of what a proof need not show: E, W, U and U'."""

    value: bytes
    wrap: bytes
    subject: bytes
    receiver_subject: bytes


def header(record: Record, name: str) -> bytes:
    """A header within its limit (section 6). `subject` may be missing where it is empty: in refusals and receipts."""
    data = record["headers"].get(name, b"" if name == "subject" else None)
    if data is None:
        raise Invalid("malformed", f"no header {name}")
    require(len(data) <= LIMITS[name], "too_large", f"header {name} is over its limit")
    return data


def read_control(data: bytes) -> dict[str, Any]:
    """C: canonical, version 1, and the members that are used here; the rest of its schema is not this verifier's."""
    require(len(data) <= LIMITS["control"], "too_large", "the control part is over 16 KiB")
    control = parse_canonical(data)
    require(field(control, "v", int) == 1, "malformed", "v is not 1")
    require(field(control, "kind", str) in KINDS, "malformed", "no such kind")
    identifier(control, "id")
    identifier(control, "exchange")
    number(control, "position")
    moment(control, "created")
    moment(control, "expires")
    require(all(field(control, name, str) for name in ("sender", "receiver")), "malformed", "an agency has no code")
    return control


def read_said(control: bytes, seal: bytes) -> Said:
    """C and N, and M of them; without a subject hS is that of nobody."""
    said = read_control(control)
    sealed = parse_canonical(seal)
    exactly(sealed, "hB hS hub sign v wrap")
    require(field(sealed, "v", int) == 1, "malformed", "v of the seal is not 1")
    business, subject, *_ = (binary(sealed, name, 32) for name in ("hB", "hS", "hub", "sign", "wrap"))
    result = Said(said, sealed, identity(control, business, subject))
    require(result.has_subject or subject == NOBODY, "subject_mismatch", "a message without subject commits to one")
    return result


def read_signature(data: bytes) -> Tree:
    """Header `signature`."""
    value = parse_canonical(data)
    exactly(value, "index path signature size")
    return Tree.read(value)


def read_permit(data: bytes) -> Permit:
    """Header `permit` with the decision inside it."""
    value = parse_canonical(data)
    exactly(value, "decision index key path signature size subject time wrap")
    for name in ("key", "subject", "wrap"):
        binary(value, name, 32)
    moment(value, "time")
    return Permit(value, read_decision(field(value, "decision", dict)), Tree.read(value))


def read_decision(decision: dict[str, Any]) -> dict[str, Any]:
    """D."""
    exactly(decision, "directory hub law message subject time v")
    require(field(decision, "v", int) == 1, "malformed", "v of the decision is not 1")
    number(decision, "directory")
    field(decision, "hub", str)
    binary(decision, "message", 32)
    binary(decision, "subject", 32)
    moment(decision, "time")
    law = field(decision, "law", dict)
    exactly(law, "branch edition row")
    number(law, "branch")
    field(law, "edition", str)
    field(law, "row", str)
    return decision


def check_value(value: bytes) -> None:
    """E is a tag longer than a power of two between 4 KiB and what 512 KiB of business part are padded to."""
    length = len(value) - 16
    require(length <= len(plaintext(bytes(32), bytes(BUSINESS_LIMIT))), "too_large", "the value is over its limit")
    require(length >= SMALLEST_PLAINTEXT and length.bit_count() == 1, "malformed", "the value is not padded")


def check_subject(said: Said, sealed: bytes, key: Json) -> None:
    """U and U' are empty without a subject; with one they have wrapped key, nonce, 32 bytes of salt, link code, tag."""
    shortest = wrapped_length(key) + 12 + 32 + 16
    holds = len(sealed) > shortest if said.has_subject else not sealed
    require(holds, "malformed", "the sealed subject has an impossible length")


# — verifying with public keys: section 4


def verify_submission(record: Record, keys: Keys, *, hub: str | None = None, at: str | None = None) -> bytes:
    """M, if the hub may go on: sizes, shape, spelling, names, kids, signature hold (section 4, Hub).

    `at` is the time by which the sign key is judged; without it the key must be valid at some moment between `created`
    and `expires`. Whether U opens needs the hub's private key: `open_subject`.
    """
    parts = {name: header(record, name) for name in ("control", "seal", "wrap", "subject", "signature")}
    check_value(record["value"])
    said, tree = read_said(parts["control"], parts["seal"]), read_signature(parts["signature"])
    require(record["key"] == said.control["sender"], "malformed", "the record's key is not the sender")
    judged = said.life if at is None else (moment({"at": at}, "at"),) * 2
    signer, receiver_key, hub_key = find_keys(said, keys, hub or hub_of(keys), judged)
    require(len(parts["wrap"]) == wrapped_length(receiver_key), "malformed", "the wrapped key has a wrong length")
    check_subject(said, parts["subject"], hub_key)
    digests = (sha256(data) for data in (parts["seal"], record["value"], parts["wrap"], parts["subject"]))
    verify_root(tree, "renkei/root/1", signer, message_leaf(said.message, *digests), "bad_signature")
    return said.message


def find_keys(said: Said, keys: Keys, hub: str, judged: tuple[datetime, datetime]) -> tuple[Json, Json, Json]:
    """The sender's sign key, the receiver's and the hub's wrap keys that the seal names.

    The sign key is valid at the time judged; a wrap key, chosen before, at some moment of the message's life.
    """
    sender, receiver = said.control["sender"], said.control["receiver"]
    signer = find_key(keys, said.kid("sign"), sender, "sign")
    receiver_key = find_key(keys, said.kid("wrap"), receiver, "wrap")
    hub_key = find_key(keys, said.kid("hub"), hub, "wrap")
    check_validity(signer, *judged)
    check_validity(receiver_key, *said.life)
    check_validity(hub_key, *said.life)
    return signer, receiver_key, hub_key


def verify_root(tree: Tree, label: str, key: Json, leaf: bytes, reason: Reason) -> None:
    """The key signed ⟨label, its kid, size, root⟩ of a tree in which the leaf is."""
    try:
        message = tree.signed(label, decode(key["kid"]), leaf)
        verify_signature(key["algorithm"], check_key(key), message, tree.signature)
    except Invalid as error:
        raise Invalid(reason, f"{label} does not hold") from error


def verify_delivery(record: Record, keys: Keys, *, hub: str | None = None, now: str | None = None) -> bytes:
    """M, if a receiver may open the record: everything of section 4, Receiver, that needs no private key or state.

    With `now` its clock is checked too; without it only how the times of the record stand to each other.
    """
    parts = {name: header(record, name) for name in ("control", "seal", "wrap", "subject", "signature")}
    permit = header(record, "permit") if "permit" in record["headers"] else None
    check_value(record["value"])
    said = read_said(parts["control"], parts["seal"])
    require(record["key"] == said.control["receiver"], "wrong_receiver", "the record's key is not the receiver")
    granted = read_granted(said, permit, hub or hub_of(keys))
    wrap_key = find_key(keys, said.kid("wrap"), said.control["receiver"], "wrap")
    require(len(parts["wrap"]) == wrapped_length(wrap_key), "malformed", "the wrapped key has a wrong length")
    check_subject(said, parts["subject"], wrap_key if granted is None else subject_key(said, granted, keys))
    submitted = sha256(b"") if granted is None else decode(granted.value["subject"])
    digests = Digests(sha256(record["value"]), sha256(parts["wrap"]), submitted, sha256(parts["subject"]))
    message = verify_proof(parts["control"], parts["seal"], parts["signature"], permit, digests, keys, hub=hub)
    if now is not None:
        check_clock(said, granted, moment({"now": now}, "now"))
    return message


def read_granted(said: Said, permit: bytes | None, hub: str) -> Permit | None:
    """The permit, which is missing only in a refusal signed by the hub."""
    own = said.control["kind"] == "refusal" and said.control["sender"] == hub
    require(permit is not None or own, "bad_permit", "only a refusal signed by the hub has no permit")
    return None if permit is None else read_permit(permit)


def subject_key(said: Said, permit: Permit, keys: Keys) -> Json:
    """The receiver's wrap key that U' is sealed for; it may be a later one than the seal's."""
    key = find_key(keys, binary(permit.value, "wrap", 32), said.control["receiver"], "wrap")
    check_validity(key, *said.life)
    return key


def check_clock(said: Said, permit: Permit | None, now: datetime) -> None:
    """permit time <= now + 5 min, now < expires."""
    require(permit is None or moment(permit.value, "time") - now <= SKEW, "clock_skew", "permitted in the future")
    require(now < said.life[1], "expired", "the message has expired")


def verify_proof(
    control: bytes, seal: bytes, signature: bytes, permit: bytes | None, digests: Digests, keys: Keys, *,
    hub: str | None = None,
    content: tuple[bytes, bytes] | None = None,
    sender_subject: tuple[bytes, bytes] | None = None,
    receiver_subject: tuple[bytes, bytes] | None = None,
) -> bytes:  # fmt: skip
    """M, if sender and hub can be held to it: section 3, "Proof without private keys".

    C, N, headers `signature` and `permit`, the digests of E, W, U, U', and key records prove who said it and who
    permitted it; (s, B), (t, L), (t', L') prove in addition what was said and about whom.
    """
    said, tree = read_said(control, seal), read_signature(signature)
    judge = hub or hub_of(keys)
    granted = read_granted(said, permit, judge)
    times = said.life if granted is None else (moment(granted.value, "time"),) * 2
    signer, *_ = find_keys(said, keys, judge, times)
    leaf = message_leaf(said.message, sha256(seal), digests.value, digests.wrap, digests.subject)
    verify_root(tree, "renkei/root/1", signer, leaf, "bad_signature")
    require(said.has_subject or digests.subject == sha256(b""), "malformed", "U without a subject")
    if granted is not None:
        verify_permit(said, granted, leaf, digests, keys, judge)
    check_times(said, granted)
    check_openings(said, granted, content, sender_subject, receiver_subject)
    return said.message


def verify_permit(said: Said, permit: Permit, leaf: bytes, digests: Digests, keys: Keys, hub: str) -> None:
    """The hub decided about this M and permitted this sealing of it to this receiver."""
    decision, time = permit.decision, permit.value["time"]
    require(decision["hub"] == hub, "bad_permit", "another hub decided")
    require(decode(decision["message"]) == said.message, "bad_permit", "decided about another message")
    require(said.has_subject or decode(decision["subject"]) == NOBODY, "bad_permit", "a subject without a subject")
    require(said.has_subject or digests.receiver_subject == sha256(b""), "malformed", "U' without a subject")
    require(decode(permit.value["subject"]) == digests.subject, "bad_permit", "permitted another sealing")
    wrap_kid = decode(subject_key(said, permit, keys)["kid"])
    key = find_key(keys, decode(permit.value["key"]), hub, "permit")
    check_validity(key, moment(permit.value, "time"), moment(permit.value, "time"))
    node = permit_leaf(sha256(permit.decision_bytes), leaf, wrap_kid, digests.receiver_subject, time)
    verify_root(permit.tree, "renkei/permit-root/1", key, node, "bad_permit")


def check_times(said: Said, permit: Permit | None) -> None:
    """created <= permit time + 5 min, expires <= created + 31 days, permitted before it expired (but for the skew)."""
    created, expires = said.life
    require(expires - created <= LONGEST_LIFE, "malformed", "expires is over 31 days after created")
    if permit is not None:
        time = moment(permit.value, "time")
        require(created - time <= SKEW, "clock_skew", "created after it was permitted")
        require(time - expires < SKEW, "expired", "permitted after it had expired")


def check_openings(
    said: Said,
    permit: Permit | None,
    content: tuple[bytes, bytes] | None,
    sender_subject: tuple[bytes, bytes] | None,
    receiver_subject: tuple[bytes, bytes] | None,
) -> None:
    """What is shown of content and person is what was committed to."""
    if content is not None:
        held = business_commitment(*content) == decode(said.seal["hB"])
        require(held, "commitment_mismatch", "s and B do not give hB")
    if sender_subject is not None:
        held = subject_commitment(*sender_subject) == decode(said.seal["hS"])
        require(held, "subject_mismatch", "t and L do not give hS")
    if receiver_subject is not None:
        held = permit is not None and subject_commitment(*receiver_subject) == decode(permit.decision["subject"])
        require(held, "subject_mismatch", "t' and L' do not give hS'")


# — opening with private keys


def open_content(record: Record, private: bytes, keys: Keys) -> tuple[bytes, bytes]:
    """(s, B) of a record, opened with the receiver's private key: padding and hB are checked.

    Verify first: opening says nothing about who sealed it.
    """
    said = read_said(header(record, "control"), header(record, "seal"))
    key = find_key(keys, said.kid("wrap"), said.control["receiver"], "wrap")
    check_value(record["value"])
    secret = unwrap(header(record, "wrap"), private, key, "commitment_mismatch")
    opener = content_key(secret, said.message)
    text = decrypt(opener, bytes(12), record["value"], said.message, "commitment_mismatch")
    salt, business = split_plaintext(text)
    check_openings(said, None, (salt, business), None, None)
    return salt, business


def split_plaintext(text: bytes) -> tuple[bytes, bytes]:
    """(s, B) of a plaintext that is padded with zeros to the next power of two and no further."""
    length = int.from_bytes(text[32:36], "big")
    require(length <= BUSINESS_LIMIT, "too_large", "the business part is over 512 KiB")
    salt, business = text[:32], text[36 : 36 + length]
    require(plaintext(salt, business) == text, "malformed", "the padding is not the rule's")
    return salt, business


def open_subject(record: Record, private: bytes, keys: Keys, *, hub: str | None = None) -> tuple[bytes, bytes]:
    """(t, L) of U with the hub's private key; of a record with a permit (t', L') of U' with the receiver's.

    The commitment is checked: against hS of the seal, or hS' of the decision. Without a subject both are empty.
    """
    said = read_said(header(record, "control"), header(record, "seal"))
    sealed = header(record, "subject")
    if "permit" in record["headers"]:
        permit = read_permit(header(record, "permit"))
        key, commitment = subject_key(said, permit, keys), permit.decision["subject"]
        bound = sha256(permit.decision_bytes)
    else:
        key, commitment = find_key(keys, said.kid("hub"), hub or hub_of(keys), "wrap"), said.seal["hS"]
        bound = said.message
    check_subject(said, sealed, key)
    salt, link_code = unseal_subject(sealed, private, key, bound) if said.has_subject else (b"", b"")
    held = subject_commitment(salt, link_code) == decode(commitment)
    require(held, "subject_mismatch", "the subject is not the one committed to")
    return salt, link_code


def unseal_subject(sealed: bytes, private: bytes, key: Json, bound: bytes) -> tuple[bytes, bytes]:
    """(salt, link code) of wrapped key || nonce || AES-256-GCM with the aad given."""
    length = wrapped_length(key)
    nonce, text = sealed[length : length + 12], sealed[length + 12 :]
    secret = unwrap(sealed[:length], private, key, "subject_mismatch")
    text = decrypt(secret, nonce, text, bound, "subject_mismatch")
    return text[:32], text[32:]


# — files of test vectors


class Vectors(NamedTuple):
    """What all vectors of one file share."""

    agencies: Mapping[str, str]
    keys: Keys
    private: Mapping[str, bytes]
    salt_keys: Mapping[str, bytes]
    content_keys: Mapping[str, bytes]

    @classmethod
    def read(cls, file: Json) -> "Vectors":
        """From the parsed file."""
        secrets = ({name: decode(text) for name, text in file[part].items()} for part in SECRETS)
        return cls(file["agencies"], {record["kid"]: record for record in file["keys"]}, *secrets)


SECRETS = ("private", "salt_keys", "content_keys")


def check_vector_file(path: str | Path) -> list[str]:
    """The problems of a file of vectors; none if this verifier accepts what it must and refuses what it must."""
    file = json.loads(Path(path).read_bytes())
    vectors = Vectors.read(file)
    problems = check_file_keys(vectors, SUITES.get(file["suite"], frozenset()))
    for message in file["messages"]:
        problems += (f"{message['name']}: {problem}" for problem in caught(check_message(vectors, message)))
    for case in file["rejected"]:
        problems += (f"{case['name']}: {problem}" for problem in check_rejected(vectors, case))
    return problems


def caught(problems: Iterator[str]) -> Iterator[str]:
    """The problems, and as the last one what stopped the search for more."""
    try:
        yield from problems
    except Invalid as error:
        yield str(error)
    except KeyError as error:
        yield f"nothing for {error} in the file"


def differing(pairs: Iterable[tuple[str, object, object]]) -> Iterator[str]:
    """The names of pairs that differ."""
    return (f"{name} differs" for name, mine, given in pairs if mine != given)


def check_file_keys(vectors: Vectors, algorithms: frozenset[str]) -> list[str]:
    """Every key record of the file names itself rightly and belongs to the suite and to its private key."""
    problems: list[str] = []
    for kid, record in vectors.keys.items():
        problems += (f"key {kid}: {problem}" for problem in caught(check_file_key(vectors, record, algorithms)))
    return problems + [f"private key {kid}: no record" for kid in vectors.private.keys() - vectors.keys.keys()]


def check_file_key(vectors: Vectors, record: Json, algorithms: frozenset[str]) -> Iterator[str]:
    """One key record."""
    public = check_key(record)
    if record["algorithm"] not in algorithms:
        yield "not an algorithm of the suite"
    if record["kid"] in vectors.private and public_of(record["algorithm"], vectors.private[record["kid"]]) != public:
        yield "the private key is another one's"


def read_record(value: Json) -> Record:
    """A record whose value and headers are base64url in the file."""
    headers = {name: decode(text) for name, text in value["headers"].items()}
    return Record(key=value["key"], value=decode(value["value"]), headers=headers)


def check_message(vectors: Vectors, message: Json) -> Iterator[str]:
    """Both records verify and open; every value that is not random is computed again."""
    submitted, delivered = read_record(message["submitted"]), read_record(message["delivered"])
    yield from differing(same_parts(submitted, delivered))
    verified = judge_submitted(vectors, submitted), judge_delivered(vectors, delivered)
    computed = compute(vectors, message["inputs"], submitted, delivered)
    yield from differing([("M of the records", verified, (computed["M"],) * 2)])
    yield from differing(compare_expected(computed, message["expected"]))
    yield from differing(compare_records(vectors, computed, submitted, delivered))
    yield from differing(compare_openings(vectors, computed, message["inputs"], submitted, delivered))
    yield from differing(compare_signatures(vectors, computed, submitted, delivered))


def same_parts(submitted: Record, delivered: Record) -> Iterator[tuple[str, object, object]]:
    """The hub passes on what was signed: only key and subject change."""
    yield "value delivered", submitted["value"], delivered["value"]
    for name in ("control", "seal", "wrap", "signature"):
        yield f"{name} delivered", submitted["headers"].get(name), delivered["headers"].get(name)


def judge_submitted(vectors: Vectors, record: Record) -> bytes:
    """All that the hub checks of a record by itself: verification, then U."""
    message = verify_submission(record, vectors.keys, hub=vectors.agencies["hub"])
    private = vectors.private[read_seal(record)["hub"]]
    open_subject(record, private, vectors.keys, hub=vectors.agencies["hub"])
    return message


def judge_delivered(vectors: Vectors, record: Record) -> bytes:
    """All that a receiver checks of a record by itself: verification, then content and U'."""
    message = verify_delivery(record, vectors.keys, hub=vectors.agencies["hub"])
    open_content(record, vectors.private[read_seal(record)["wrap"]], vectors.keys)
    if "permit" in record["headers"]:
        private = vectors.private[read_permit(header(record, "permit")).value["wrap"]]
        open_subject(record, private, vectors.keys)
    return message


def read_seal(record: Record) -> dict[str, Any]:
    """N of a record."""
    return parse_canonical(header(record, "seal"))


def compute(vectors: Vectors, inputs: Json, submitted: Record, delivered: Record) -> dict[str, bytes]:
    """Every deterministic value of section 3, from inputs, salt keys, content key and what the records add."""
    control_bytes, seal = header(submitted, "control"), read_seal(submitted)
    control, permit = read_control(control_bytes), read_permit(header(delivered, "permit"))
    sender, receiver, hub = control["sender"], control["receiver"], vectors.agencies["hub"]
    about_someone = control["kind"] not in WITHOUT_SUBJECT
    s = business_salt(vectors.salt_keys["sender"], sender, receiver, control["id"])
    t = subject_salt(vectors.salt_keys["sender"], sender, receiver, control["id"]) if about_someone else b""
    committed = business_commitment(s, decode(inputs["business"])), subject_commitment(t, inputs["link_code"])
    message = identity(control_bytes, *committed)
    t_permit = permit_salt(vectors.salt_keys["hub"], hub, receiver, message) if about_someone else b""
    permitted = subject_commitment(t_permit, inputs["receiver_link_code"])
    decided = {"hub": hub, "message": encode(message), "subject": encode(permitted), "v": 1}
    decision = canonical({**permit.decision, **decided})
    sealed = (header(submitted, "seal"), submitted["value"], header(submitted, "wrap"), header(submitted, "subject"))
    leaf = message_leaf(message, *map(sha256, sealed))
    bound = decode(permit.value["wrap"]), sha256(header(delivered, "subject")), permit.value["time"]
    return {
        "s": s, "t": t, "hB": committed[0], "hS": committed[1], "M": message,
        "k": content_key(vectors.content_keys[seal["wrap"]], message), "leaf": leaf,
        "t_permit": t_permit, "hS_permit": permitted, "decision": decision,
        "permit_leaf": permit_leaf(sha256(decision), leaf, *bound),
        "derived_response_id": derived_id(message, "response", sender, 0).encode(),
    }  # fmt: skip


def compare_expected(computed: Mapping[str, bytes], expected: Json) -> Iterator[tuple[str, object, object]]:
    """The file names every value, and no value that nobody computed."""
    spelt: dict[str, str] = {name: encode(value) for name, value in computed.items()}
    spelt["derived_response_id"] = computed["derived_response_id"].decode()
    for name in sorted(spelt.keys() | expected.keys()):
        yield f"expected {name}", spelt.get(name), expected.get(name)


def compare_records(
    vectors: Vectors, computed: Mapping[str, bytes], submitted: Record, delivered: Record
) -> Iterator[tuple[str, object, object]]:
    """The records say what was computed; parties are the file's; E follows from k."""
    control, seal = parse_canonical(header(submitted, "control")), read_seal(submitted)
    permit = read_permit(header(delivered, "permit"))
    for name in ("sender", "receiver"):
        yield name, control[name], vectors.agencies[name]
    yield "hB of the seal", computed["hB"], decode(seal["hB"])
    yield "hS of the seal", computed["hS"], decode(seal["hS"])
    yield "decision of the permit", computed["decision"], permit.decision_bytes
    yield "subject of the permit", sha256(header(submitted, "subject")), decode(permit.value["subject"])


def compare_openings(
    vectors: Vectors, computed: Mapping[str, bytes], inputs: Json, submitted: Record, delivered: Record
) -> Iterator[tuple[str, object, object]]:
    """W, U and U' open to what was put in, and E is what k makes of it."""
    seal, keys, hub = read_seal(submitted), vectors.keys, vectors.agencies["hub"]
    business, private = decode(inputs["business"]), vectors.private
    content = open_content(delivered, private[seal["wrap"]], keys)
    yield "content opened", content, (computed["s"], business)
    yield "value", submitted["value"], seal_content(computed["k"], computed["M"], computed["s"], business)
    wrapped = unwrap(header(submitted, "wrap"), private[seal["wrap"]], keys[seal["wrap"]])
    yield "content key", wrapped, vectors.content_keys[seal["wrap"]]
    subject = open_subject(submitted, private[seal["hub"]], keys, hub=hub)
    yield "subject opened", subject, (computed["t"], inputs["link_code"].encode())
    permit = read_permit(header(delivered, "permit"))
    subject = open_subject(delivered, private[permit.value["wrap"]], keys)
    yield "receiver's subject opened", subject, (computed["t_permit"], inputs["receiver_link_code"].encode())


def compare_signatures(
    vectors: Vectors, computed: Mapping[str, bytes], submitted: Record, delivered: Record
) -> Iterator[tuple[str, object, object]]:
    """Where the private key is in the file, signing again gives the same signature."""
    tree, permit = read_signature(header(submitted, "signature")), read_permit(header(delivered, "permit"))
    roots = (
        ("signature", read_seal(submitted)["sign"], tree, "renkei/root/1", computed["leaf"]),
        ("permit", permit.value["key"], permit.tree, "renkei/permit-root/1", computed["permit_leaf"]),
    )
    for name, kid, signed, label, leaf in roots:
        if kid in vectors.private:
            message = signed.signed(label, decode(kid), leaf)
            yield name, sign(vectors.keys[kid]["algorithm"], vectors.private[kid], message), signed.signature


def check_rejected(vectors: Vectors, case: Json) -> list[str]:
    """A record that must be refused is refused: by verification, or when it is opened. Reasons may differ."""
    judge = {"submitted": judge_submitted, "delivered": judge_delivered}[case["stage"]]
    record = read_record(case["record"])
    try:
        judge(vectors, record)
    except Invalid:
        return []
    except KeyError as error:
        return [f"nothing for {error} in the file"]
    return [f"accepted, though it must be refused: {case['reason']}"]


def main(paths: Sequence[str]) -> int:
    """Print what each file came to; the exit code is 1 if one has problems."""
    found = {path: check_vector_file(path) for path in paths}
    for path, problems in found.items():
        print(f"{path}: {'accepted' if not problems else f'{len(problems)} problems'}")
        for problem in problems:
            print(f"  {problem}")
    return 1 if not found or any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
