"""Writes business-system.json beside this file: `python -m tests.vectors.business_system`.

Everything that a posting system computes, with its private keys: the request and its digest `h` byte by byte, assertions,
an answer and the JWEs that it came in, and the partitions of record keys. The file is committed; a JWE is sealed with a
fresh key each time, so that the file changes when it is written again.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from schemas import canonical, jwe, topics
from schemas.directory import KeyRecord, Purpose, key_id
from schemas.jwk import members
from schemas.request import Posted, assert_read, assert_request, read_request
from schemas.text import moment, to_bytes, to_text
from schemas.wire import suites
from schemas.wire.frame import frame
from schemas.wire.suites import Algorithm
from services.gateway import examples
from services.runtime.kafka.log import partition_of

from .world import sha256

FILE: Final = Path(__file__).with_name("business-system.json")
ABOUT: Final = (
    "Synthetic test vector for posting systems (docs/guides/business-systems.md). Every secret in here is public; never use"
    " one. Binary is base64url without padding, `framed` is hexadecimal."
)
AGENCY, SYSTEM, NUMBER = "221309", "tax-office", "SYN0000001"
FROM, UNTIL, NOW = "2026-11-01T00:00:00.000Z", "2027-11-01T00:00:00.000Z", "2026-11-24T09:00:00.000Z"
EXPIRES: Final = int(moment(NOW).timestamp()) + 300
KEYS: Final[tuple[tuple[Purpose, Algorithm], ...]] = (
    ("assertion", "ed25519"), ("answer", "x25519"), ("answer", "ecdh-p256"),
)  # fmt: skip
OFFICE: Final = '子育て支援課\u2028<b>&"\\髙𠮷か\u3099'
"""Not escaped: < > & and U+2028. Escaped: the quotation mark and the backslash. か and U+3099 are one character in NFC."""
GIVEN: Final[dict[str, Any]] = {
    **examples.INQUIRY["control"],
    "officer": {"office": OFFICE, "role": "allowance_clerk", "staff": "hamamatsu-0107"},
}
BUSINESS: Final[dict[str, Any]] = {"period": {"year": 2026}, "condition": "扶養親族"}
EVENT: Final = f"{examples.ID}/0"


def private_key(algorithm: Algorithm) -> bytes:
    return sha256(f"renkei synthetic test secret/business system/{algorithm}".encode())


def record(purpose: Purpose, algorithm: Algorithm) -> KeyRecord:
    """The directory's record of one of the keys."""
    public = suites.public_of(algorithm, private_key(algorithm))
    return KeyRecord(
        agency=AGENCY,
        version=1,
        kid=key_id(AGENCY, purpose, algorithm, public),
        purpose=purpose,
        algorithm=algorithm,
        key=to_text(public),
        starts=FROM,
        until=UNTIL,
        system=SYSTEM,
    )


RECORDS: Final = {algorithm: record(purpose, algorithm) for purpose, algorithm in KEYS}


def document() -> dict[str, Any]:
    """The file's content."""
    posted = read_request(json.dumps(GIVEN).encode(), NUMBER.encode(), json.dumps(BUSINESS).encode())
    key, private = RECORDS["ed25519"], private_key("ed25519")
    return {
        "about": ABOUT,
        "key_set": {"agency": AGENCY, "system": SYSTEM, "keys": [_jwk(one) for one in RECORDS.values()]},
        "kids": [_kid(one) for one in RECORDS.values()],
        "request": _request(posted),
        "assertion": _token(assert_request(posted, key.kid, private, EXPIRES)),
        "read_assertion": _token(assert_read(AGENCY, examples.ID, key.kid, private, EXPIRES)),
        "event": {"ce_id": EVENT, "key": AGENCY, "content": _content().decode()},
        "jwes": {name: jwe.sealed(_content(), RECORDS[name], ADDRESSED).decode() for name in ("x25519", "ecdh-p256")},
        "partitions": {code: partition_of(code, topics.outbound_requested) for code in ("221309", "221007", "131016")},
    }


ADDRESSED: Final = jwe.Addressed(EVENT, AGENCY, SYSTEM)


def _jwk(one: KeyRecord) -> dict[str, Any]:
    times = {"nbf": int(moment(one.starts).timestamp()), "exp": int(moment(one.until).timestamp())}
    return {**members(one.algorithm, one.public), "kid": one.kid, **times, "d": to_text(private_key(one.algorithm))}


def _kid(one: KeyRecord) -> dict[str, Any]:
    parts = ("renkei/key/1", one.agency, one.purpose, one.algorithm)
    return {"parts": [*parts, one.key], "framed": frame(*parts, one.public).hex(), "kid": one.kid}


def _request(posted: Posted) -> dict[str, Any]:
    return {
        "given": {"control": GIVEN, "subject": NUMBER, "business": BUSINESS},
        "control": posted.control.decode(),
        "subject": posted.number.decode(),
        "business": posted.business.decode(),
        "framed": frame("renkei/request/1", posted.control, posted.number, posted.business).hex(),
        "h": to_text(posted.content),
    }


def _token(token: str) -> dict[str, str]:
    header, claims, _ = (to_bytes(part) for part in token.split("."))
    return {"header": header.decode(), "claims": claims.decode(), "token": token}


def _content() -> bytes:
    """An answer that has no records, as the gateway shows it."""
    return canonical.encode(examples.ANSWER)


def main() -> None:
    written: Mapping[str, Any] = document()
    FILE.write_text(json.dumps(written, indent=1, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
