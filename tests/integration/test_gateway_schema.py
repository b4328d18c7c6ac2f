"""The running gateway does what its own openapi.json says, whoever asks and whatever is sent (schemathesis)."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from pydantic import ValidationError
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from schemas.refusal import Refusal
from schemas.request import Posted, assert_read, assert_request, read_request
from services.gateway.application import application
from services.operator.demo import ASKER
from services.operator.generate.command import GENERATED
from services.operator.keys.enrolment import assertion_key
from tests import site as sites
from tests.site import RESIDENTS, Site, inquiry

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
BOUNDED: Final = settings(max_examples=30, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
DEEP: Final = {("POST", 202), ("POST", 400), ("POST", 409), ("GET", 200), ("GET", 401), ("GET", 404)}
"""Methods and statuses behind the assertion that have to be reached."""

PAGES: Final = schemathesis.openapi.from_dict(application(None).openapi())  # type: ignore[arg-type]
"""What the running gateway serves as well; the fixture compares. (schemathesis' own fixtures do not work with pytest 9.2.)"""


@pytest.fixture(scope="module", autouse=True)
def running(site: Site) -> None:
    sites.switch(site, "block")
    served = httpx.get(f"{site.url('gateway')}/openapi.json", trust_env=False).json()
    assert served == json.loads((GENERATED / "openapi.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def answered(site: Site) -> Posted:
    """An inquiry with an answer."""
    posted = inquiry(RESIDENTS[0])
    assert sites.answers(asyncio.run(sites.ask(site, posted)), RESIDENTS[0])
    return posted


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.trust_env = False
        yield opened


@pytest.fixture(scope="module")
def reached() -> Iterator[set[tuple[str, int]]]:
    found: set[tuple[str, int]] = set()
    yield found
    assert found >= DEEP, "the pages behind the assertion were not reached"


@PAGES.parametrize()
@BOUNDED
def test_a_stranger_is_told_what_is_described(
    case: schemathesis.Case[Any], site: Site, session: requests.Session
) -> None:
    """Without an assertion that holds: no server error, no status, header, media type or body but those described."""
    case.call_and_validate(base_url=site.url("gateway"), session=session, checks=CHECKS)


@PAGES.parametrize()
@BOUNDED
def test_a_business_system_is_told_what_is_described(
    case: schemathesis.Case[Any],
    site: Site,
    session: requests.Session,
    answered: Posted,
    reached: set[tuple[str, int]],
) -> None:
    """The same behind the assertion, which is made for what is sent as far as that has a form."""
    token = _reading(site, case, answered) if case.path_parameters else _posting(site, case, answered)
    case.headers["Authorization"] = f"Bearer {token}"
    response = case.call_and_validate(base_url=site.url("gateway"), session=session, checks=CHECKS)
    reached.add((case.method, response.status_code))


def _reading(site: Site, case: schemathesis.Case[Any], answered: Posted) -> str:
    """For every second id the one that there is."""
    key, expires = assertion_key(site, ASKER), int(time.time()) + 300
    said = str(case.path_parameters["exchange"])
    if said[-1:] in set("02468ace"):
        case.path_parameters["exchange"] = said = answered.question.id
    try:
        return assert_read(ASKER, said, key.kid, key.secret, expires)
    except ValidationError:  # no id: no assertion can be for it
        return assert_read(ASKER, answered.question.id, key.kid, key.secret, expires)


def _posting(site: Site, case: schemathesis.Case[Any], answered: Posted) -> str:
    """By an agency that has a key here, and sometimes under an id that is used."""
    key, expires = assertion_key(site, ASKER), int(time.time()) + 300
    match case.body:
        case {"control": dict(control)}:
            control["sender"] = ASKER
            if str(control.get("id"))[-1:] in set("048c"):
                control["id"] = answered.question.id
    try:
        posted = _posted(case.body)
    except (TypeError, KeyError, ValueError, AttributeError, Refusal):  # of no form: it is not compared with anything
        posted = answered
    return assert_request(posted, key.kid, key.secret, expires)


def _posted(body: Any) -> Posted:
    said = {name: json.dumps(body[name]).encode() for name in ("control", "business")}
    return read_request(said["control"], body["subject"].encode(), said["business"])
