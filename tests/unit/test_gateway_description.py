"""openapi.json says what the gateway does: every problem that a page has, in the form in which it is sent, and no other."""

import json
import re
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from schemas.control import Control
from schemas.request import check_keys
from services.gateway import examples, problem
from services.operator.generate.command import GENERATED
from services.operator.local.jars import CHECKOUT
from services.runtime import problem as shared
from services.runtime.problem import MEDIA_TYPE, Problem
from tests.gateway import World, inquiry, is_problem
from tests.unit.test_gateway_form import MALFORMED

DOCUMENT: Final[dict[str, Any]] = json.loads((GENERATED / "openapi.json").read_text(encoding="utf-8"))
PAGES: Final = {
    operation["operationId"]: operation for path in DOCUMENT["paths"].values() for operation in path.values()
}
PROBLEMS: Final = {
    one.code: one for module in (problem, shared) for one in vars(module).values() if isinstance(one, Problem)
}


def conforms(value: Any, name: str) -> bool:
    schema = {"$ref": f"#/components/schemas/{name}"}
    return bool(Draft202012Validator({**schema, "components": DOCUMENT["components"]}).is_valid(value))


def codes(page: str) -> dict[str, set[str]]:
    """By status, the problems that are described."""
    responses = PAGES[page]["responses"].items()
    return {status: set(said["content"][MEDIA_TYPE]["examples"]) for status, said in responses if int(status) >= 400}


EVERY: Final = {"401": {"bad_assertion"}, "405": {"no_such_method"}, "500": {"defect"}, "503": {"unavailable"}}


def test_each_page_has_its_problems() -> None:
    """And no 422, which is never sent."""
    bad = {"400": {"malformed"}}
    posting = ("not_served", "too_slow", "id_reused", "too_large", "not_json")
    assert codes("postInquiry") == EVERY | {str(PROBLEMS[code].status): {code} for code in posting} | {
        "400": {"malformed", "unknown_item", "unknown_edition"}
    }
    assert codes("getExchange") == EVERY | bad | {"404": {"unknown_exchange"}}
    assert codes("getAnswer") == EVERY | bad | {"404": {"unknown_exchange", "no_answer_yet"}}
    assert "HTTPValidationError" not in DOCUMENT["components"]["schemas"]


def test_every_problem_is_described_somewhere() -> None:
    """Except that of a page that is not there."""
    described = {code for page in PAGES for found in codes(page).values() for code in found}
    assert described == set(PROBLEMS) - {"no_such_page"}


@pytest.mark.parametrize("page", PAGES)
def test_problems_are_described_as_they_are_sent(page: str) -> None:
    """As problem+json alone, with an example that conforms, and with their headers."""
    for status, said in PAGES[page]["responses"].items():
        if int(status) >= 400:
            assert set(said["content"]) == {MEDIA_TYPE}
            for code, example in said["content"][MEDIA_TYPE]["examples"].items():
                assert example["value"] | {"detail": ""} == PROBLEMS[code].body | {"detail": ""}
                assert conforms(example["value"], "ProblemDetails")
                assert set(PROBLEMS[code].headers) <= set(said.get("headers", {}))


def test_generators_of_clients_can_read_the_document() -> None:
    """It names a server, links the claims of both assertions, and has no type that is null alone."""

    def types(value: Any) -> list[Any]:
        if isinstance(value, list):
            return [found for entry in value for found in types(entry)]
        if not isinstance(value, dict):
            return []
        return [value.get("type"), *(found for entry in value.values() for found in types(entry))]

    assert "null" not in types(DOCUMENT)
    assert DOCUMENT["servers"][0]["url"] == "http://127.0.0.1:{port}"
    [scheme] = DOCUMENT["components"]["securitySchemes"].values()
    for link, name in (("post", "Claims"), ("get", "ReadClaims")):
        assert scheme["x-claims"][link] == {"$ref": f"#/components/schemas/{name}"}
        assert "exp" in DOCUMENT["components"]["schemas"][name]["required"]


def test_the_assertion_is_a_bearer_token() -> None:
    """Not a parameter."""
    [(name, scheme)] = DOCUMENT["components"]["securitySchemes"].items()
    assert {key: scheme[key] for key in ("type", "scheme", "bearerFormat")} == {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
    }
    for page in PAGES.values():
        assert page["security"] == [{name: []}]
        assert "authorization" not in {parameter["name"].lower() for parameter in page["parameters"]}


def test_the_examples_are_true() -> None:
    """What is shown is what the code takes and says."""
    check_keys(inquiry())
    Control.model_validate(examples.ANSWER["control"])
    for name, example in (
        ("Inquiry", examples.INQUIRY),
        ("Accepted", examples.ACCEPTED),
        ("Progress", examples.PROGRESS),
        ("Answer", examples.ANSWER),
    ):
        assert DOCUMENT["components"]["schemas"][name]["examples"] == [example]
        assert conforms(example, name)


@pytest.mark.parametrize(
    "name",
    ["one more", "one less", "number as number", "number of other characters", "unknown field", "null", "null below"],
)
def test_what_is_malformed_does_not_conform(name: str) -> None:
    """As far as a schema can say it."""
    assert not conforms(json.loads(MALFORMED[name]), "Inquiry")


async def test_the_gateway_serves_what_is_generated() -> None:
    """The committed file and the page are one document."""
    assert (await World().call("GET", "/openapi.json")).json() == DOCUMENT


def test_the_page_lists_every_problem() -> None:
    """The gateway's README with status, code and both sentences."""
    text = (CHECKOUT / "services/gateway/README.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| (\d{3}) `([a-z_]+)` \| .* \| (.*) \|$", text)
    assert {(int(status), code, said) for status, code, said in rows} == {
        (one.status, one.code, f"{one.ja} {one.en}") for one in PROBLEMS.values()
    }


async def test_a_problem_is_in_two_languages() -> None:
    """With its status, as it is sent."""
    is_problem(await World().send(b"", ""), 401, "bad_assertion")
    for one in PROBLEMS.values():
        assert one.en.isascii()
        assert not one.ja.isascii()
