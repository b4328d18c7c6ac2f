"""What a producer posts, and the assertion that says who posts it (architecture section 8).

The assertion is a JWT (RFC 7519, EdDSA) signed with the posting system's key: agency, office, role, officer, the
request's id, h("renkei/request/1", canonical posted control, internal number, canonical business JSON), and expiry.
Other claims are ignored, but for `nbf`.
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
from schemas.assertion import UNVERIFIED, BadAssertion, NumericDate, Reason, check_times
from schemas.business import FIELDS as BUSINESS_FIELDS
from schemas.business import INQUIRY_LIMIT, BusinessPartError, InquiryPart, check_inquiry
from schemas.control import LIMIT as CONTROL_LIMIT
from schemas.control import Basis, Item, Officer, Question
from schemas.directory import KeyRecord
from schemas.number import LIMIT as SUBJECT_LIMIT
from schemas.number import is_number
from schemas.refusal import Refusal, RefusalCode
from schemas.text import AgencyCode, Digest, Record, decoded, explained, instant, to_bytes, to_text
from schemas.wire import suites
from schemas.wire.frame import digest

ASSERTION_LIMIT: Final = 4096


class Header(BaseModel):
    """An assertion's header (RFC 7515 section 4). What else it says is ignored, but for what must be understood."""

    model_config = ConfigDict(frozen=True, strict=True, hide_input_in_errors=True)

    alg: Literal["EdDSA", "Ed25519"]
    """RFC 8037 and RFC 9864: one algorithm, whose key the directory names by `kid`."""
    kid: Digest
    crit: None = None
    b64: Literal[True] = True


class Said(Record):
    """What every assertion says: whose it is, from when and until when. Claims that are not named here are ignored."""

    model_config = ConfigDict(extra="ignore")

    iss: AgencyCode
    exp: NumericDate
    nbf: NumericDate | None = None


C = TypeVar("C", bound=Said)


class Claims(Said):
    """What an assertion says."""

    jti: str
    """The request's id, which is judged with the request."""
    office: str
    role: str
    officer: str
    h: Digest


class ReadClaims(Said):
    """What the assertion of a GET says: whose exchange is read, and by which method."""

    method: Literal["GET"]
    exchange: str


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
    if not is_number(number):
        form = f"an internal number of 1 to {SUBJECT_LIMIT} letters and digits, such as SYN0000001"
        raise Refusal(RefusalCode.MALFORMED, f"subject: expected {form}")
    request = Posted(*_question(control), number=number, business=_keys(business))
    _within_limits(request.control, number, request.business)  # in NFC a text may be longer than it was
    return request


def _question(control: bytes) -> tuple[Question, bytes]:
    """With its canonical spelling, which is what is posted as a rule."""
    with suppress(canonical.Malformed):
        return decoded(Question, control, CONTROL_LIMIT), control
    try:
        posted = canonical.read(control)
        return Question.model_validate(posted), canonical.spelled(posted)
    except canonical.Malformed as error:
        problem = canonical.placed(error, FIELDS, "control")
    except ValidationError as error:
        problem = explained(error, "control")
    raise Refusal(RefusalCode.MALFORMED, problem)


FIELDS: Final = frozenset[str]().union(*(model.model_fields for model in (Question, Basis, Item, Officer)))
"""Names that an error may repeat: those of the model."""


def _keys(business: bytes) -> bytes:
    with suppress(canonical.Malformed):
        decoded(InquiryPart, business, INQUIRY_LIMIT)
        return business
    try:
        return canonical.spelled(canonical.read(business))
    except canonical.Malformed as error:
        raise Refusal(RefusalCode.MALFORMED, canonical.placed(error, BUSINESS_FIELDS, "business")) from None


def _within_limits(control: bytes, number: bytes, business: bytes) -> None:
    limits = (("control", control, CONTROL_LIMIT), ("subject", number, SUBJECT_LIMIT))
    for name, part, limit in (*limits, ("business", business, INQUIRY_LIMIT)):
        if len(part) > limit:
            raise Refusal(RefusalCode.TOO_LARGE, f"{name}: expected at most {limit} bytes")


def check_keys(posted: Posted) -> InquiryPart:
    """The inquiry's keys (照会キー); raises `Refusal`."""
    try:
        return check_inquiry(posted.business)
    except BusinessPartError as error:
        raise Refusal(RefusalCode.MALFORMED, str(error)) from None


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
    return jwt.encode(claims.model_dump(exclude_none=True), key, algorithm="EdDSA", headers={"kid": kid})


def check_assertion(posted: Posted, assertion: bytes, key: Callable[[str], KeyRecord | None], at: float) -> None:
    """The assertion is this agency's, for this very request, and not expired at `at` (seconds since 1970).

    Raises `SecurityEvent`: until it holds nothing is stored and nothing completed."""
    check_claims(posted, verified(assertion, key, at, Claims))


def check_claims(posted: Posted, claims: Claims) -> None:
    """What an assertion says is said of this very request; raises `BadAssertion` with the first claim that is not."""
    question, officer = posted.question, posted.question.officer
    for claim, said, field, asked in (
        ("iss", claims.iss, "control.sender", question.sender),
        ("jti", claims.jti, "control.id", question.id),
        ("office", claims.office, "control.officer.office", officer.office),
        ("role", claims.role, "control.officer.role", officer.role),
        ("officer", claims.officer, "control.officer.staff", officer.staff),
    ):
        if said != asked:
            raise BadAssertion(Reason.ANOTHER_REQUEST, f"claim {claim}: expected the same as {field}")
    if claims.h != to_text(posted.content):
        raise BadAssertion(Reason.ANOTHER_REQUEST, "claim h: h is over another request than this one")


def verified(assertion: bytes, key: Callable[[str], KeyRecord | None], at: float, model: type[C]) -> C:
    """The claims of an assertion whose signature, issuer and times hold (JWS compact serialisation, RFC 7515 section 7.1)."""
    head, body, signature = _parts(assertion)
    record = key(_named(head))
    if record is None or record.purpose != "assertion" or not record.valid(_instant(at)):
        raise BadAssertion(Reason.UNKNOWN_KEY, UNVERIFIED)
    _verify(record, assertion[: assertion.rindex(b".")], signature)
    claims = _claims(body, model)
    if claims.iss != record.agency:
        raise BadAssertion(Reason.ANOTHER_AGENCY, "claim iss: expected the agency whose key signed this")
    check_times(claims.exp, claims.nbf, at)
    return claims


def _parts(assertion: bytes) -> list[bytes]:
    if not assertion:
        raise BadAssertion(Reason.MISSING, "expected an assertion; there is none")
    if len(assertion) > ASSERTION_LIMIT:
        raise BadAssertion(Reason.UNREADABLE, f"too long: expected an assertion of at most {ASSERTION_LIMIT} bytes")
    parts = assertion.decode("ascii", "replace").split(".")
    if len(parts) != len(PARTS):
        raise BadAssertion(Reason.UNREADABLE, "expected a JWT: header, claims and signature, with points between them")
    return [_part(name, part) for name, part in zip(PARTS, parts, strict=True)]


def _part(name: str, text: str) -> bytes:
    try:
        return to_bytes(text)
    except ValueError:
        raise BadAssertion(Reason.UNREADABLE, f"{name}: expected base64url without padding") from None


PARTS: Final = ("header", "claims", "signature")


def _named(head: bytes) -> str:
    """The key id that the header names."""
    try:
        return _header(head).kid
    except ValidationError as error:
        raise BadAssertion(Reason.UNREADABLE, explained(error, "header")) from None


def _verify(record: KeyRecord, signed: bytes, signature: bytes) -> None:
    """By the algorithm of the key, whatever the header says."""
    if record.algorithm != _EDDSA:
        raise BadAssertion(Reason.UNKNOWN_KEY, UNVERIFIED)
    try:
        suites.verify(_EDDSA, record.public, signed, signature)
    except ValueError:  # a signature that does not fit, or a key that suites does not accept
        raise BadAssertion(Reason.BAD_SIGNATURE, UNVERIFIED) from None


def _claims(body: bytes, model: type[C]) -> C:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise BadAssertion(Reason.BAD_CLAIM, explained(error, "claim").replace("claim.", "claim ")) from None


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
