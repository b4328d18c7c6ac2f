"""What a producer posts, and who says that he does: everything that is wrong with an assertion is one security event."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

import jwt
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from schemas import canonical
from schemas.assertion import UNVERIFIED, BadAssertion, Reason
from schemas.business import INQUIRY_LIMIT
from schemas.control import LIMIT as CONTROL_LIMIT
from schemas.directory import KeyRecord, key_id
from schemas.number import LIMIT as SUBJECT_LIMIT
from schemas.refusal import Refusal, RefusalCode, SecurityCode, SecurityEvent
from schemas.request import (
    ASSERTION_LIMIT,
    Claims,
    Posted,
    ReadClaims,
    assert_read,
    assert_request,
    check_assertion,
    check_keys,
    read_request,
    request_digest,
    verified,
)
from schemas.text import moment, to_bytes, to_text
from schemas.wire import suites
from tests.vectors import verifier
from tests.vectors.strategies import FEW, MANY, json_values, nfc

AT: Final = moment("2026-11-24T09:00:00.000Z").timestamp()
EXPIRES: Final = int(AT) + 60
PRIVATE: Final = hashlib.sha256(b"renkei synthetic test secret/assertion").digest()
PUBLIC: Final = suites.public_of("ed25519", PRIVATE)
CONTROL: Final[dict[str, Any]] = {
    "id": "019ab1c2-0000-7000-8000-000000000001",
    "sender": "221309",
    "receiver": "401307",
    "basis": {"source": "table2", "edition": "2015-12-27", "row": "27", "branch": 4},
    "item": {"name": "income_tax_certificate", "layout": 1},
    "officer": {"office": "市民税課（中央ザザシティ支所）", "role": "tax_clerk", "staff": "s-0101"},
}
NUMBER: Final = b"0000012345"
BUSINESS: Final[dict[str, Any]] = {"period": {"year": 2025}, "condition": "がんばれ"}


def key_record(**changed: object) -> KeyRecord:
    entries: dict[str, object] = {
        "agency": "221309",
        "version": 1,
        "kid": key_id("221309", "assertion", "ed25519", PUBLIC),
        "purpose": "assertion",
        "algorithm": "ed25519",
        "key": to_text(PUBLIC),
        "from": "2026-11-01T00:00:00.000Z",
        "until": "2026-12-01T00:00:00.000Z",
    }
    return KeyRecord.model_validate(entries | changed)


KEY: Final = key_record()
KEYS: Final = {KEY.kid: KEY}


def posted(**changed: Any) -> Posted:
    return read_request(canonical.encode(CONTROL | changed), NUMBER, canonical.encode(BUSINESS))


POSTED: Final = posted()
GOOD: Final = assert_request(POSTED, KEY.kid, PRIVATE, EXPIRES).encode()
CLAIMS: Final[dict[str, Any]] = {
    "iss": "221309",
    "jti": CONTROL["id"],
    "office": CONTROL["officer"]["office"],
    "role": "tax_clerk",
    "officer": "s-0101",
    "h": to_text(POSTED.content),
    "exp": EXPIRES,
}


def segment(data: bytes) -> bytes:
    return to_text(data).encode()


def token(header: bytes | dict[str, Any], payload: bytes | dict[str, Any], private: bytes = PRIVATE) -> bytes:
    """A JWT of whatever it is given, with a signature that holds."""
    parts = (part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload))
    signed = b".".join(map(segment, parts))
    return signed + b"." + segment(suites.sign("ed25519", private, signed))


HEADER: Final = {"alg": "EdDSA", "typ": "JWT", "kid": KEY.kid}


def bad(
    assertion: bytes, *, said: Posted = POSTED, keys: Mapping[str, KeyRecord] = KEYS, at: float = AT
) -> SecurityEvent:
    """The assertion is refused, by the one event."""
    with pytest.raises(SecurityEvent) as caught:
        check_assertion(said, assertion, keys.get, at)
    assert caught.value.code is SecurityCode.BAD_ASSERTION
    return caught.value


def passes(assertion: bytes, at: float = AT) -> None:
    check_assertion(POSTED, assertion, KEYS.get, at)


# — what is posted


@MANY
@given(st.booleans(), st.sampled_from([None, 1]), st.sampled_from(["NFC", "NFD"]))
def test_any_spelling_of_a_request_is_the_same_request(escaped: bool, indent: int | None, form: str) -> None:
    """White space, order, escapes and normal form are the producer's; what was asserted is the canonical form."""
    control = json.dumps(dict(reversed(CONTROL.items())), ensure_ascii=escaped, indent=indent)
    business = json.dumps(BUSINESS, ensure_ascii=escaped, indent=indent)
    if form == "NFD" and not escaped:
        control, business = (text.replace("ザ", "サ\u3099").replace("が", "か\u3099") for text in (control, business))
        assert nfc(control) != control
    read = read_request(control.encode(), NUMBER, business.encode())
    assert read == POSTED
    check_assertion(read, GOOD, KEYS.get, AT)


@MANY
@given(json_values | st.just(BUSINESS))
def test_a_request_is_canonical_once_it_is_read(business: Any) -> None:
    """Control and business part come out in their one spelling; the business part may yet be anything."""
    read = read_request(canonical.encode(CONTROL), NUMBER, json.dumps(business, indent=2).encode())
    assert canonical.decode(read.business) == business
    assert read.control == canonical.encode(CONTROL)
    assert read.question.encoded() == read.control


@MANY
@given(st.binary() | st.text().map(str.encode), st.binary(max_size=70), st.binary() | json_values.map(canonical.encode))
def test_any_bytes_are_a_request_or_refused(control: bytes, number: bytes, business: bytes) -> None:
    """As malformed or too large; no other exception."""
    for parts in ((control, NUMBER, business), (canonical.encode(CONTROL), number, business)):
        assert outcome(*parts) in ("read", RefusalCode.MALFORMED, RefusalCode.TOO_LARGE)


def outcome(control: bytes, number: bytes, business: bytes) -> str:
    try:
        read_request(control, number, business)
    except Refusal as refusal:
        return refusal.code
    return "read"


@pytest.mark.parametrize(
    ("control", "number", "business"),
    [
        (bytes(CONTROL_LIMIT + 1), NUMBER, b"{}"),
        (b"{}", b"1" * (SUBJECT_LIMIT + 1), b"{}"),
        (b"{}", NUMBER, bytes(INQUIRY_LIMIT + 1)),
        (canonical.encode(CONTROL), NUMBER, b'"' + "\U0001d160".encode() * (INQUIRY_LIMIT // 4 - 1) + b'"'),
    ],
    ids=["control part", "internal number", "business part", "business part in normal form C"],
)
@pytest.mark.code("too_large")
def test_what_is_too_large_is_refused(control: bytes, number: bytes, business: bytes) -> None:
    """Before it is parsed, and once more in its canonical form, which may be three times as long."""
    with pytest.raises(Refusal) as caught:
        read_request(control, number, business)
    assert caught.value.code is RefusalCode.TOO_LARGE


@pytest.mark.parametrize("number", [b"", b" 1", b"1 ", b"1\n", "１".encode(), b"1-2", b"\xff", b"\x00"])
@pytest.mark.code("malformed")
def test_an_internal_number_is_letters_and_digits(number: bytes) -> None:
    """Of ASCII, one to 64 of them."""
    with pytest.raises(Refusal) as caught:
        read_request(canonical.encode(CONTROL), number, b"{}")
    assert caught.value.code is RefusalCode.MALFORMED
    read_request(canonical.encode(CONTROL), b"A" * SUBJECT_LIMIT, b"{}")


@pytest.mark.parametrize(
    "changed",
    [
        {"officer": "auto"},
        {"kind": "inquiry"},
        {"receiver": "221309"},
        {"id": "x"},
        {"created": "2026-11-24T09:00:00.000Z"},
        {"non_disclosure": False},
        {"basis": CONTROL["basis"] | {"row": "山田太郎"}},
    ],
)
@pytest.mark.code("malformed")
def test_a_question_has_its_form(changed: dict[str, Any]) -> None:
    """And the refusal says where it has not, never what was there."""
    with pytest.raises(Refusal) as caught:
        posted(**changed)
    assert caught.value.code is RefusalCode.MALFORMED
    assert "山田" not in str(caught.value)


@pytest.mark.code("malformed")
def test_keys_are_judged_after_the_assertion() -> None:
    """What is asked for is read separately, and refused by the same code."""
    assert check_keys(POSTED).condition == "がんばれ"
    with pytest.raises(Refusal) as caught:
        check_keys(read_request(canonical.encode(CONTROL), NUMBER, b'{"period":{"year":1}}'))
    assert caught.value.code is RefusalCode.MALFORMED


def test_the_content_by_the_page() -> None:
    """h("renkei/request/1", canonical posted control, internal number, canonical business JSON)."""
    parts = (canonical.encode(CONTROL), NUMBER, canonical.encode(BUSINESS))
    assert POSTED.content == request_digest(*parts) == verifier.digest("renkei/request/1", *parts)


# — an assertion that holds


def test_an_assertion_holds_for_its_request() -> None:
    """It is a JWT that any library reads: EdDSA, with the key's id."""
    passes(GOOD)
    assert jwt.get_unverified_header(GOOD.decode()) == HEADER
    assert jwt.decode(GOOD.decode(), options={"verify_signature": False}) == CLAIMS
    passes(token(HEADER, CLAIMS))


@pytest.mark.code("bad_assertion")
def test_an_assertion_holds_until_it_expires() -> None:
    """By the time that is handed in, and by no clock; to the second."""
    passes(GOOD, EXPIRES - 0.001)
    bad(GOOD, at=EXPIRES)
    bad(GOOD, at=EXPIRES + 1)


# — and what does not


@MANY
@given(st.sampled_from(sorted(CLAIMS)), st.text() | st.integers() | st.none() | st.booleans() | st.lists(st.text()))
@example("iss", "401307")
@example("jti", "019ab1c2-0000-7000-8000-000000000002")
@example("office", "市民税課")
@example("exp", EXPIRES - 61)
@example("exp", int(AT) + 3601)
@example("exp", EXPIRES + 0.5 + 3600)
@example("exp", str(EXPIRES))
@example("exp", 10**400)
@example("h", to_text(bytes(32)))
@example("office", "\ud800")
@pytest.mark.code("bad_assertion")
def test_any_other_claim_is_another_request(claim: str, value: Any) -> None:
    """Each claim counts, although the signature holds; expiry may be later."""
    assume(value != CLAIMS[claim])
    assume(not (claim == "exp" and isinstance(value, int | float) and AT < value <= AT + 3600))
    bad(token(HEADER, CLAIMS | {claim: value}))


@pytest.mark.parametrize("claim", sorted(CLAIMS))
def test_no_claim_may_be_missing(claim: str) -> None:
    """An assertion without expiry would hold for ever; the answer names the claim."""
    event = bad(token(HEADER, {name: value for name, value in CLAIMS.items() if name != claim}))
    assert isinstance(event, BadAssertion)
    assert event.reason is Reason.BAD_CLAIM
    assert event.detail == f"claim {claim}: this field is missing"


@MANY
@given(st.dictionaries(st.text().filter(lambda name: name not in {*CLAIMS, "nbf"}), json_values))
@example({"iat": AT + 0.25, "aud": ["renkei", "other"], "sub": "somebody", "admin": True, "client_id": "x"})
@example({"iat": AT + 9999, "auth_time": None})
def test_other_claims_are_ignored(extra: dict[str, Any]) -> None:
    """Registered or private (RFC 7519 section 4), whatever they say."""
    whole = token(HEADER, CLAIMS | extra)
    assume(len(whole) <= ASSERTION_LIMIT)
    passes(whole)


def test_nbf_is_honoured_without_leeway() -> None:
    """As `exp`: an assertion holds from `nbf` to before `exp`; both may have fractions of a second."""
    for begins in (AT, AT - 0.5, AT - 9999, 0, int(AT)):
        passes(token(HEADER, CLAIMS | {"nbf": begins}))
    event = bad(token(HEADER, CLAIMS | {"nbf": AT + 1.5}))
    assert isinstance(event, BadAssertion)
    assert (event.reason, event.detail) == (Reason.NOT_YET_VALID, "claim nbf: not valid for another 2 s by this clock")
    for wrong in ("0", True, [0], -1, 2.0**60):
        bad(token(HEADER, CLAIMS | {"nbf": wrong}))


def test_exp_may_be_fractional() -> None:
    """It holds until that fraction of a second, not to the second before or after."""
    whole = token(HEADER, CLAIMS | {"exp": EXPIRES + 0.5})
    passes(whole, EXPIRES + 0.25)
    bad(whole, at=EXPIRES + 0.5)
    passes(token(HEADER, CLAIMS | {"exp": float(EXPIRES)}))


def test_exp_lies_at_most_an_hour_ahead() -> None:
    """More is refused by name, so that a stolen assertion is soon of no use."""
    passes(token(HEADER, CLAIMS | {"exp": AT + 3600}))
    event = bad(token(HEADER, CLAIMS | {"exp": AT + 7200}))
    assert isinstance(event, BadAssertion)
    assert event.reason is Reason.TOO_LONG_VALID
    assert event.detail == "claim exp: 7200 s ahead of this clock; expected at most 3600 s, one hour"


@pytest.mark.parametrize("algorithm", ["EdDSA", "Ed25519"])
def test_both_names_of_the_algorithm_are_taken(algorithm: str) -> None:
    """RFC 8037 and RFC 9864."""
    passes(token(HEADER | {"alg": algorithm}, CLAIMS))
    bad(token(HEADER | {"alg": algorithm}, CLAIMS, suites.generate("ed25519")[0]))


def test_a_signature_by_another_algorithm_under_the_same_kid_is_refused() -> None:
    """Algorithm confusion: the key decides, so that none, HS256 with the public key, and ES256 are never looked at."""
    private, public = suites.generate("ecdsa-p256")
    for name in ("none", "HS256", "ES256"):
        signed = b".".join(segment(json.dumps(part).encode()) for part in (HEADER | {"alg": name}, CLAIMS))
        signatures = {
            "none": b"",
            "HS256": hmac.digest(PUBLIC, signed, "sha256"),
            "ES256": suites.sign("ecdsa-p256", private, signed),
        }
        for keys in (KEYS, {KEY.kid: key_record(algorithm="ecdsa-p256", key=to_text(public))}):
            bad(signed + b"." + segment(signatures[name]), keys=keys)


def test_an_id_of_another_form_is_malformed() -> None:
    """It is said of the id, and by no security event: upper case, UUIDv4 and v8 are none of ours."""
    for wrong in ("019AB1C2-0000-7000-8000-000000000001", "019ab1c2-0000-4000-8000-000000000001", "x",
                  "019ab1c2-0000-8000-8000-000000000001"):  # fmt: skip
        with pytest.raises(Refusal) as caught:
            posted(id=wrong)
        assert caught.value.rule.startswith("control.id: expected a lower-case UUIDv7, such as ")
        verified(token(HEADER, CLAIMS | {"jti": wrong}), KEYS.get, AT, Claims)


@pytest.mark.parametrize(
    ("changed", "reason", "detail"),
    [
        ({"exp": int(AT) - 61}, Reason.EXPIRED, "claim exp: expired 61 s ago by this clock"),
        ({"h": to_text(bytes(32))}, Reason.ANOTHER_REQUEST, "claim h: h is over another request than this one"),
        ({"jti": "x"}, Reason.ANOTHER_REQUEST, "claim jti: expected the same as control.id"),
        ({"role": "x"}, Reason.ANOTHER_REQUEST, "claim role: expected the same as control.officer.role"),
        ({"iss": "401307"}, Reason.ANOTHER_AGENCY, "claim iss: expected the agency whose key signed this"),
        (
            {"exp": "soon"},
            Reason.BAD_CLAIM,
            "claim exp: expected a number of seconds without quotes, such as 1795510800",
        ),
    ],
)
def test_behind_its_signature_an_assertion_is_explained(changed: dict[str, Any], reason: Reason, detail: str) -> None:
    """Which claim does not hold, and by how much."""
    event = bad(token(HEADER, CLAIMS | changed))
    assert isinstance(event, BadAssertion)
    assert (event.reason, event.detail) == (reason, detail)


@pytest.mark.parametrize(
    ("assertion", "reason", "detail"),
    [
        (b"", Reason.MISSING, "expected an assertion; there is none"),
        (b"a.b", Reason.UNREADABLE, "expected a JWT: header, claims and signature, with points between them"),
        (b"a.b.c", Reason.UNREADABLE, "header: expected base64url without padding"),
        (b"e30.=.c", Reason.UNREADABLE, "claims: expected base64url without padding"),
        (
            token({"alg": "RS256", "kid": KEY.kid}, CLAIMS),
            Reason.UNREADABLE,
            "header.alg: expected 'EdDSA' or 'Ed25519'",
        ),
        (token({"alg": "EdDSA"}, CLAIMS), Reason.UNREADABLE, "header.kid: this field is missing"),
        (token(HEADER | {"kid": "A" * 43}, CLAIMS), Reason.UNKNOWN_KEY, UNVERIFIED),
        (token(HEADER, CLAIMS | {"exp": 0}, suites.generate("ed25519")[0]), Reason.BAD_SIGNATURE, UNVERIFIED),
    ],
)
def test_before_its_signature_only_what_cannot_be_read_is_told(assertion: bytes, reason: Reason, detail: str) -> None:
    """Nothing of keys or claims: an unknown key and a signature that does not fit are told alike."""
    event = bad(assertion)
    assert isinstance(event, BadAssertion)
    assert (event.reason, event.detail) == (reason, detail)


@pytest.mark.parametrize(
    ("written", "canonical_"),
    [
        ("2026-11-25T18:00:00+09:00", "2026-11-25T09:00:00.000Z"),
        ("2026-11-25T09:00:00Z", "2026-11-25T09:00:00.000Z"),
        ("2026-11-25T09:00:00.5Z", "2026-11-25T09:00:00.500Z"),
        ("2026-11-25T18:00:00.123456789+09:00", "2026-11-25T09:00:00.123Z"),
        ("2026-11-25T09:00:00.000Z", "2026-11-25T09:00:00.000Z"),
    ],
)
def test_a_posted_time_is_made_canonical(written: str, canonical_: str) -> None:
    """With any offset and without milliseconds; what the assertion is over is what was posted."""
    read = posted(expires=written)
    assert read.question.expires == canonical_
    assert read.control == canonical.encode(CONTROL | {"expires": written})
    check_assertion(read, assert_request(read, KEY.kid, PRIVATE, EXPIRES).encode(), KEYS.get, AT)


@pytest.mark.parametrize("wrong", ["2026-11-25", "2026-11-25T09:00:00", "2026-13-25T09:00:00Z", "0001-01-01T00:00:00+09:00",
                                   "2026-11-25t09:00:00z", "2026-11-25T24:00:00Z", "2026-11-25T09:00:00+24:00"])  # fmt: skip
def test_a_posted_time_without_its_form_is_malformed(wrong: str) -> None:
    """With an example of the form."""
    with pytest.raises(Refusal) as caught:
        posted(expires=wrong)
    assert caught.value.rule == (
        "control.expires: expected a time with its offset, such as 2026-11-24T09:00:00.000Z or 2026-11-24T18:00:00+09:00"
    )


def test_a_byte_order_mark_is_read_over() -> None:
    """In front of control part and business part; it is no part of what was asserted."""
    mark = b"\xef\xbb\xbf"
    assert read_request(mark + canonical.encode(CONTROL), NUMBER, mark + canonical.encode(BUSINESS)) == POSTED


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "019ab1c2-0000-7000-8000-000000000002"},
        {"receiver": "131130"},
        {"sender": "131130"},
        {"item": {"name": "income_tax_certificate", "layout": 2}},
        {"basis": CONTROL["basis"] | {"branch": 5}},
        {"officer": CONTROL["officer"] | {"staff": "s-0102"}},
        {"officer": CONTROL["officer"] | {"role": "other"}},
        {"officer": CONTROL["officer"] | {"office": "市民税課"}},
        {"non_disclosure": True},
    ],
)
@pytest.mark.code("bad_assertion")
def test_an_assertion_is_for_one_control_part(changed: dict[str, Any]) -> None:
    """Another question by the same officer needs another assertion."""
    bad(GOOD, said=posted(**changed))


@pytest.mark.code("bad_assertion")
def test_an_assertion_is_for_one_person_and_one_business_part() -> None:
    """Neither can be swapped under it, nor moved from one to the other."""
    control = canonical.encode(CONTROL)
    for number, business in ((b"0000012346", BUSINESS), (NUMBER, BUSINESS | {"condition": "other"}), (NUMBER, {})):
        bad(GOOD, said=read_request(control, number, canonical.encode(business)))


@pytest.mark.parametrize(
    "changed",
    [
        {"agency": "401307"},
        {"purpose": "sign"},
        {"purpose": "root"},
        {"revoked": "2026-12-31T00:00:00.000Z"},
        {"from": "2026-11-24T09:00:00.001Z"},
        {"until": "2026-11-24T09:00:00.000Z"},
        {"key": to_text(suites.public_of("ed25519", bytes(32)))},
        {"key": to_text(PUBLIC[:-1])},
        {"key": ""},
        {"key": to_text(bytes(32))},
        {"algorithm": "ecdsa-p256", "key": to_text(suites.public_of("ecdsa-p256", PRIVATE))},
    ],
)
@pytest.mark.code("bad_assertion")
def test_the_key_is_an_assertion_key_of_this_agency_valid_now(changed: dict[str, object]) -> None:
    """Owner, purpose, validity, revocation and the key itself."""
    bad(GOOD, keys={KEY.kid: key_record(**changed)})


@pytest.mark.code("bad_assertion")
def test_a_key_that_nobody_knows_asserts_nothing() -> None:
    """Nor one without a name, nor one that the assertion brings along."""
    bad(GOOD, keys={})
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": to_text(PUBLIC)}
    for header in ({"alg": "EdDSA"}, {"alg": "EdDSA", "kid": ""}, {"alg": "EdDSA", "kid": 1}):
        bad(token(header, CLAIMS))
    for named in ({}, {"kid": "x"}, {"kid": KEY.kid}):
        bad(token({"alg": "EdDSA", "jwk": jwk} | named, CLAIMS), keys={})
    other = suites.generate("ed25519")[0]
    bad(token(HEADER, CLAIMS, other))
    bad(token(HEADER | {"jwk": jwk}, CLAIMS, other))


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "", "ES256", "RS256", "EdDSA ", "eddsa", "Ed448", "ed25519"]
)
@pytest.mark.parametrize("signature", [b"", None])
@pytest.mark.code("bad_assertion")
def test_the_algorithm_is_eddsa(algorithm: str, signature: bytes | None) -> None:
    """Whatever the header says, with and without the signature that would hold."""
    whole = token(HEADER | {"alg": algorithm}, CLAIMS)
    bad(whole if signature is None else whole.rsplit(b".", 1)[0] + b".")


@pytest.mark.parametrize("hashed", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("secret", [PUBLIC, to_text(PUBLIC).encode(), b"", bytes(32)], ids=["raw", "text", "", "zeros"])
def test_the_public_key_is_no_secret(hashed: str, secret: bytes) -> None:
    """An HMAC under what everybody knows is no signature."""
    header = HEADER | {"alg": f"HS{hashed.removeprefix('sha')}"}
    signed = b".".join(segment(json.dumps(part).encode()) for part in (header, CLAIMS))
    bad(signed + b"." + segment(hmac.digest(secret, signed, hashed)))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": None},
        {"alg": ["EdDSA"]},
        {"alg": {}},
        {"crit": ["exp"]},
        {"crit": 1},
        {"b64": False},
        {"kid": None},
        {"kid": [KEY.kid]},
        {"kid": "\ud800"},
    ],
)
def test_a_strange_header_is_refused(header: dict[str, Any]) -> None:
    """Of another type, or with demands that nobody here meets."""
    bad(token(HEADER | header, CLAIMS))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b"1",
        b'"x"',
        b"{",
        b"\xff",
        b'{"exp":1e400}',
        b'{"exp":NaN}',
        b'{"exp":' + b"9" * 2500 + b"}",
        b"[" * 2500,
        b'{"a":' * 500,
    ],
)
def test_a_strange_payload_is_refused(payload: bytes) -> None:
    """Not an object, not JSON, deeper than a stack: behind a signature that holds, and as a header without one."""
    bad(token(HEADER, payload))
    bad(b".".join((segment(payload), segment(payload), b"AA")))


def test_a_repeated_claim_is_its_last() -> None:
    """JSON leaves it open (RFC 7519 section 4): one of them is read, and judged."""
    said = json.dumps(CLAIMS).encode()
    bad(token(HEADER, said[:-1] + b',"iss":"401307"}'))
    passes(token(HEADER, b'{"iss":"401307",' + said[1:]))


@MANY
@given(st.integers(0), st.integers(0, len(GOOD)))
def test_an_altered_assertion_is_refused(bit: int, cut: int) -> None:
    """A bit of header, claims or signature, or an end that is missing."""
    parts = [to_bytes(part) for part in GOOD.decode().split(".")]
    place = bit % 3
    data = bytearray(parts[place])
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    parts[place] = bytes(data)
    bad(b".".join(map(segment, parts)))
    assume(cut < len(GOOD))
    bad(GOOD[:cut])


@MANY
@given(st.binary(max_size=200) | st.text("abcXYZ019-_=. {}\"':,[]", max_size=200).map(str.encode))
@example(b"")
@example(b".")
@example(b"..")
@example(b"a.b.c")
@example(b"=.=.=")
@example(b"e30.e30.")
@example("あ.い.う".encode())
@example(GOOD + b"\n")
@example(b" " + GOOD)
@example(GOOD + b".AA")
@example(b"Bearer " + GOOD)
@example(b"\0" * ASSERTION_LIMIT)
@example(b"." * ASSERTION_LIMIT)
def test_any_other_bytes_are_refused(assertion: bytes) -> None:
    """One security event, whatever comes."""
    bad(assertion)


@FEW
@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "cty"]), json_values),
    st.dictionaries(st.sampled_from([*CLAIMS, "aud", "sub", "nbf", "iat"]), json_values),
    st.booleans(),
)
def test_any_header_and_claims_are_refused(header: dict[str, Any], claims: dict[str, Any], named: bool) -> None:
    """Although the signature holds."""
    assume(any(CLAIMS[claim] != value for claim, value in claims.items() if claim in CLAIMS and claim != "exp"))
    bad(token(HEADER | (header if named else {}), CLAIMS | claims))
    bad(token(HEADER | (header if named else {}), claims))


def test_an_assertion_has_its_limit() -> None:
    """Longer ones are not looked at: not even one that holds."""
    long = token(HEADER | {"x": "x" * ASSERTION_LIMIT}, CLAIMS)
    assert "too long" in str(bad(long))
    filler = ASSERTION_LIMIT - len(token(HEADER | {"x": ""}, CLAIMS))
    passes(token(HEADER | {"x": "x" * (filler * 3 // 4 - 3)}, CLAIMS))


def test_a_security_event_repeats_nothing() -> None:
    """Neither what was asserted nor by whom."""
    for assertion in (token(HEADER, CLAIMS | {"office": "山田太郎"}), token(HEADER, CLAIMS | {"exp": "山田太郎"})):
        assert "山田" not in str(bad(assertion))


# — reading


EXCHANGE: Final = "019ab1c2-0000-7000-8000-000000000001"


def test_reading_is_asserted_too() -> None:
    """Method, exchange and agency are claims of their own, and no assertion of a request reads anything."""
    assertion = assert_read("221309", EXCHANGE, KEY.kid, PRIVATE, EXPIRES).encode()
    claims = verified(assertion, KEYS.get, AT, ReadClaims)
    assert (claims.iss, claims.method, claims.exchange) == ("221309", "GET", EXCHANGE)
    for wrong, model in ((GOOD, ReadClaims), (assertion, Claims)):
        with pytest.raises(SecurityEvent) as caught:
            verified(wrong, KEYS.get, AT, model)
        assert caught.value.code is SecurityCode.BAD_ASSERTION
    for other in (assert_read("401307", EXCHANGE, KEY.kid, PRIVATE, EXPIRES), assertion.decode()):
        with pytest.raises(SecurityEvent):
            verified(other.encode(), KEYS.get, EXPIRES, ReadClaims)
