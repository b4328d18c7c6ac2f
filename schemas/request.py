"""What a producer posts, and the assertion that says who posts it (architecture section 8).

The assertion is a JWT (RFC 7519, EdDSA) signed with the posting system's key: agency, office, role, officer, the
request's id, h("renkei/request/1", canonical posted control, internal number, canonical business JSON), and expiry.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Literal, TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, ConfigDict, ValidationError

from schemas import canonical
from schemas.business import INQUIRY_LIMIT, BusinessPartError, InquiryPart, check_inquiry
from schemas.control import LIMIT as CONTROL_LIMIT
from schemas.control import Question
from schemas.directory import KeyRecord
from schemas.refusal import Refusal, RefusalCode, SecurityCode, SecurityEvent
from schemas.text import AgencyCode, Count, Digest, MessageId, Record, decoded, explained, instant, to_bytes, to_text
from schemas.wire import suites
from schemas.wire.frame import digest

ASSERTION_LIMIT: Final = 4096
SUBJECT_LIMIT: Final = 64
"""Bytes of an internal number (既存番号, 団体内統合宛名番号)."""


class Header(BaseModel):
    """An assertion's header (RFC 7515 section 4). What else it says is ignored, but for what must be understood."""

    model_config = ConfigDict(frozen=True, strict=True, hide_input_in_errors=True)

    alg: Literal["EdDSA"]
    kid: Digest
    crit: None = None
    b64: Literal[True] = True


class Said(Record):
    """What every assertion says: whose it is, and until when."""

    iss: AgencyCode
    exp: Count


C = TypeVar("C", bound=Said)


class Claims(Said):
    """What an assertion says."""

    jti: MessageId
    office: str
    role: str
    officer: str
    h: Digest


class ReadClaims(Said):
    """What the assertion of a GET says: whose exchange is read, and by which method."""

    method: Literal["GET"]
    exchange: MessageId


@dataclass(frozen=True, slots=True)
class Posted:
    """A request in canonical form: what was posted, whom it is about, what it asks."""

    question: Question
    control: bytes
    number: bytes
    business: bytes

    @property
    def content(self) -> bytes:
        """What the assertion signs."""
        return request_digest(self.control, self.number, self.business)


def request_digest(control: bytes, number: bytes, business: bytes) -> bytes:
    """h("renkei/request/1", canonical posted control, internal number, canonical business JSON)."""
    return digest("renkei/request/1", control, number, business)


def read_request(control: bytes, number: bytes, business: bytes) -> Posted:
    """Any valid JSON becomes canonical; raises `Refusal` (malformed, too_large). The business part is unjudged yet."""
    _within_limits(control, number, business)
    if not number or not number.isascii() or not number.isalnum():
        raise Refusal(RefusalCode.MALFORMED, "subject: an internal number of 1 to 64 letters and digits")
    try:
        request = Posted(*_question(control), number=number, business=_keys(business))
    except canonical.Malformed as error:
        raise Refusal(RefusalCode.MALFORMED, str(error)) from None
    except ValidationError as error:
        raise Refusal(RefusalCode.MALFORMED, f"control part: {explained(error)}") from None
    _within_limits(request.control, number, request.business)  # in NFC a text may be longer than it was
    return request


def _question(control: bytes) -> tuple[Question, bytes]:
    """With its canonical spelling, which is what is posted as a rule."""
    with suppress(canonical.Malformed):
        return decoded(Question, control, CONTROL_LIMIT), control
    posted = canonical.read(control)
    return Question.model_validate(posted), canonical.spelled(posted)


def _keys(business: bytes) -> bytes:
    with suppress(canonical.Malformed):
        decoded(InquiryPart, business, INQUIRY_LIMIT)
        return business
    return canonical.spelled(canonical.read(business))


def _within_limits(control: bytes, number: bytes, business: bytes) -> None:
    if len(control) > CONTROL_LIMIT or len(business) > INQUIRY_LIMIT or len(number) > SUBJECT_LIMIT:
        raise Refusal(RefusalCode.TOO_LARGE, "message.md section 6")


def check_keys(posted: Posted) -> InquiryPart:
    """The inquiry's keys (照会キー); raises `Refusal`."""
    try:
        return check_inquiry(posted.business)
    except BusinessPartError as error:
        raise Refusal(RefusalCode.MALFORMED, f"business part: {error}") from None


def assert_request(posted: Posted, kid: str, private: bytes, expires: int) -> str:
    """The assertion of a posting system for one request; `expires` in seconds since 1970."""
    officer = posted.question.officer
    claims = Claims(
        iss=posted.question.sender,
        jti=posted.question.id,
        office=officer.office,
        role=officer.role,
        officer=officer.staff,
        h=to_text(posted.content),
        exp=expires,
    )
    return _signed(claims, kid, private)


def assert_read(agency: str, exchange: str, kid: str, private: bytes, expires: int) -> str:
    """The assertion of a posting system that reads an exchange of its agency."""
    return _signed(ReadClaims(iss=agency, method="GET", exchange=exchange, exp=expires), kid, private)


def _signed(claims: Record, kid: str, private: bytes) -> str:
    key = Ed25519PrivateKey.from_private_bytes(private)
    return jwt.encode(claims.model_dump(), key, algorithm="EdDSA", headers={"kid": kid})


def check_assertion(posted: Posted, assertion: bytes, key: Callable[[str], KeyRecord | None], at: float) -> None:
    """The assertion is this agency's, for this very request, and not expired at `at` (seconds since 1970).

    Raises `SecurityEvent`: until it holds nothing is stored and nothing completed."""
    check_claims(posted, verified(assertion, key, at, Claims))


def check_claims(posted: Posted, claims: Claims) -> None:
    """What an assertion says is said of this very request; raises `SecurityEvent`."""
    officer = posted.question.officer
    said = (claims.iss, claims.jti, claims.office, claims.role, claims.officer, claims.h)
    question = posted.question
    if said != (question.sender, question.id, officer.office, officer.role, officer.staff, to_text(posted.content)):
        raise SecurityEvent(SecurityCode.BAD_ASSERTION, "the assertion is for another request")


def verified(assertion: bytes, key: Callable[[str], KeyRecord | None], at: float, model: type[C]) -> C:
    """The claims of an assertion whose signature, issuer and expiry hold (JWS compact serialisation, RFC 7515 section 7.1)."""
    if not 0 < len(assertion) <= ASSERTION_LIMIT:
        raise SecurityEvent(SecurityCode.BAD_ASSERTION, "no assertion, or one that is too long")
    try:
        head, body, signature = (to_bytes(part) for part in assertion.decode("ascii").split("."))
        record = key(_header(head).kid)
        if record is None or record.purpose != "assertion" or not record.valid(_instant(at)):
            raise SecurityEvent(SecurityCode.BAD_ASSERTION, "no valid assertion key has this id")
        suites.verify(_EDDSA, record.public, assertion[: assertion.rindex(b".")], signature)
        claims = model.model_validate_json(body)
    except ValueError:  # pydantic's, base64's, and what suites do not accept
        raise SecurityEvent(SecurityCode.BAD_ASSERTION, "the assertion does not verify") from None
    if (record.algorithm, claims.iss) != (_EDDSA, record.agency) or claims.exp <= at:
        raise SecurityEvent(SecurityCode.BAD_ASSERTION, "the assertion is another agency's, or has expired")
    return claims


def posting_system(assertion: bytes, key: Callable[[str], KeyRecord | None]) -> str:
    """The posting system whose key has signed an assertion that is `verified`."""
    record = key(_header(to_bytes(assertion.partition(b".")[0].decode("ascii"))).kid)
    assert record is not None
    return record.posting_system


@lru_cache(4096)
def _header(data: bytes) -> Header:
    """The same for everything that one system posts."""
    return Header.model_validate_json(data)


_EDDSA: Final = "ed25519"


def _instant(at: float) -> str:
    return instant(datetime.fromtimestamp(at, UTC))
