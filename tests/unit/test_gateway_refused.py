"""A request that is refused at the gateway says why, and what to change; the operator sees how many and why."""

import json
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from schemas.text import to_bytes
from services.gateway import examples, problem
from services.runtime.problem import AWAY
from tests.gateway import ASKER, MARKER, NOW, SYSTEMS, World, asserted, body, inquiry, is_problem, reading

POSTED: Final = inquiry()
GOOD: Final = asserted(POSTED)
CLAIMS: Final[dict[str, Any]] = jwt.decode(GOOD, options={"verify_signature": False})
READING: Final[dict[str, Any]] = jwt.decode(reading(examples.ID), options={"verify_signature": False})


def signed(claims: dict[str, Any], **header: Any) -> str:
    """By the asker's own system, as any library would."""
    key = SYSTEMS[ASKER].private
    private = Ed25519PrivateKey.from_private_bytes(to_bytes(key.private))
    return jwt.encode(claims, private, algorithm="EdDSA", headers={"kid": key.kid, **header})


async def test_claims_as_other_libraries_make_them_are_taken() -> None:
    """`iat`, `nbf`, `aud`, `sub`, a fractional `exp`, the algorithm by its new name: accepted over HTTP."""
    now = NOW.timestamp()
    more = {"iat": now, "nbf": now, "aud": ["renkei"], "sub": "allowances", "exp": now + 59.5}
    assert (await World().post(POSTED, signed(CLAIMS | more))).status_code == 202


@pytest.mark.parametrize(
    ("changed", "detail"),
    [
        ({"exp": int(NOW.timestamp()) - 61}, "claim exp: expired 61 s ago by this clock"),
        ({"nbf": int(NOW.timestamp()) + 2}, "claim nbf: not valid for another 2 s by this clock"),
        (
            {"exp": int(NOW.timestamp()) + 3601},
            "claim exp: 3601 s ahead of this clock; expected at most 3600 s, one hour",
        ),
        ({"h": "A" * 43}, "claim h: h is over another request than this one"),
        ({"office": MARKER}, "claim office: expected the same as control.officer.office"),
    ],
)
async def test_a_401_says_which_claim_does_not_hold(changed: dict[str, Any], detail: str) -> None:
    """Once the signature holds; never what the claim says."""
    response = await World().post(POSTED, signed(CLAIMS | changed))
    assert is_problem(response, 401, "bad_assertion")["detail"] == detail
    assert MARKER not in response.text


async def test_a_401_names_the_claim_that_is_missing() -> None:
    """By its name in the JWT."""
    claims = {name: value for name, value in CLAIMS.items() if name != "h"}
    assert is_problem(await World().post(POSTED, signed(claims)), 401, "bad_assertion")["detail"] == (
        "claim h: this field is missing"
    )


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, "header Authorization: expected exactly one, `Bearer` and a JWT; 0 were sent"),
        (
            {"authorization": f"Basic {MARKER}"},
            "header Authorization: expected exactly one, `Bearer` and a JWT; 1 were sent",
        ),
        (
            {"authorization": f"Bearer {MARKER}"},
            "expected a JWT: header, claims and signature, with points between them",
        ),
        (
            {"authorization": "Bearer e30.e30.AA"},
            "header.alg: this field is missing; header.kid: this field is missing",
        ),
    ],
)
async def test_before_the_signature_a_401_says_what_cannot_be_read(headers: dict[str, str], detail: str) -> None:
    """The header or the part of the token, and nothing of keys."""
    told = {"content-type": "application/json", **headers}
    response = await World().call("POST", "/v1/inquiries", content=b"{}", headers=told)
    assert is_problem(response, 401, "bad_assertion")["detail"] == detail
    assert MARKER not in response.text


async def test_a_401_is_counted_and_logged_by_its_reason() -> None:
    """Every one is counted; of each reason one line in ten seconds, which says how many."""
    world = World()
    bad = signed(CLAIMS | {"exp": 1})
    with capture_logs() as lines:
        for token in (bad, bad, "x"):
            await world.post(POSTED, token)
        await world.read(examples.ID, bad)
    found = world.gateway.metrics.registry.get_sample_value
    assert found("renkei_assertions_refused_total", {"service": "gateway", "reason": "expired"}) == 2
    assert found("renkei_assertions_refused_total", {"service": "gateway", "reason": "unreadable"}) == 1
    assert found("renkei_assertions_refused_total", {"service": "gateway", "reason": "bad_claim"}) == 1
    assert [(line["event"], line["reason"], line["count"]) for line in lines] == [
        ("assertion refused", "expired", 1),
        ("assertion refused", "unreadable", 1),
        ("assertion refused", "bad_claim", 1),
    ]


@pytest.mark.parametrize("wrong", [examples.ID.upper(), "019ab1c2-0000-4000-8000-000000000001", MARKER])
async def test_an_id_of_another_form_is_a_400(wrong: str) -> None:
    """Behind a signature that holds: in the control part, whatever `jti` is, and in a path."""
    sent = json.dumps(body(POSTED) | {"control": body(POSTED)["control"] | {"id": wrong}}).encode()
    response = await World().send(sent, signed(CLAIMS | {"jti": wrong}))
    assert is_problem(response, 400, "malformed")["detail"].startswith("control.id: expected a lower-case UUIDv7")
    response = await World().read(wrong, signed(READING | {"exchange": wrong}))
    assert is_problem(response, 400, "malformed")["detail"].startswith("exchange: expected a lower-case UUIDv7")
    assert MARKER not in response.text


def changed(part: str, **said: Any) -> dict[str, Any]:
    return body(POSTED) | {part: body(POSTED)[part] | said}


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        (changed("business", period=None), "business.period: expected a value; a field without one is left out"),
        (changed("business", period={"year": 1.5}),
         "business.period.year: expected a whole number, without point and exponent"),
        (changed("control", basis={"edition": "2015-12-27", "row": "x", "branch": 2}),
         "control.basis.row: expected a row of the law table, such as 57 or 16-2"),
        (changed("control", expires="tomorrow"),
         "control.expires: expected a time with its offset, such as 2026-11-24T09:00:00.000Z or 2026-11-24T18:00:00+09:00"),
        (changed("control", **{MARKER: 1}), "control: a field in here is not known; leave it out"),
        (changed("control", officer={}), "control.officer.office: this field is missing; control.officer.role: this field is"
         " missing; control.officer.staff: this field is missing"),
        (body(POSTED) | {"subject": "1-2"},
         "subject: expected an internal number of 1 to 64 letters and digits, such as SYN0000001"),
        ({}, "expected an object of control (an object), subject (a string) and business (an object) alone"),
    ],
)  # fmt: skip
async def test_a_400_names_the_field_and_what_is_expected(sent: dict[str, Any], detail: str) -> None:
    """As a sentence with the path of the field, and an example where there is one form."""
    assert is_problem(await World().send(json.dumps(sent).encode(), GOOD), 400, "malformed")["detail"] == detail


async def test_what_is_no_json_is_told_by_its_place() -> None:
    """Line and column, not the text there."""
    response = await World().send(b'{\n "a": ' + MARKER.encode(), GOOD)
    assert is_problem(response, 400, "malformed")["detail"] == "expected JSON; line 2, column 7 is none"


@pytest.mark.parametrize(
    ("posted", "code", "detail"),
    [
        (inquiry(item={"name": "no_such_item", "layout": 1}), "unknown_item", "control.item: expected an item such as "),
        (inquiry(item={"name": "income_tax_certificate", "layout": 9}), "unknown_item", "control.item: expected an item"),
        (inquiry(basis={"edition": "2099-01-01", "row": "57", "branch": 2}), "unknown_edition",
         "control.basis.edition: expected the edition that is in force here, 2015-12-27"),
        (inquiry(year=1), "malformed", "business.period.year: expected a number from 1000 up"),
    ],
)  # fmt: skip
async def test_what_can_never_succeed_does_not_use_up_its_id(posted: Any, code: str, detail: str) -> None:
    """400 at once, although the assertion holds; the same id is free for the request that is mended."""
    world = World()
    assert is_problem(await world.post(posted), 400, code)["detail"].startswith(detail)
    assert (world.published(), world.tables.asked) == ([], 0)
    assert (await world.post(POSTED)).status_code == 202


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json; charset=utf8",
        "application/json;charset=UTF8",
        "application/json; profile=x; charset=utf-8",
        'application/json; odata="a;b"',
        "Application/JSON",
    ],
)
async def test_a_media_type_may_have_parameters(media_type: str) -> None:
    """The encoding by the names that libraries give it, and others that change nothing."""
    sent = json.dumps(body(POSTED)).encode()
    assert (await World().send(sent, GOOD, **{"content-type": media_type})).status_code == 202


async def test_a_byte_order_mark_in_front_of_the_body_is_taken() -> None:
    """As .NET and some editors write it; what is published has none."""
    world = World()
    assert (await world.send(b"\xef\xbb\xbf" + json.dumps(body(POSTED)).encode(), GOOD)).status_code == 202
    assert world.published()[0].headers["control"] == POSTED.control


def test_what_takes_a_third_of_a_second_is_asked_for_again_after_one() -> None:
    """`Retry-After` of an exchange that is not there yet, or has no answer yet; an outage takes longer."""
    for one in (problem.UNKNOWN, problem.UNANSWERED):
        assert one.headers["Retry-After"] in ("0", "1")
    assert AWAY.headers["Retry-After"] == "2"
