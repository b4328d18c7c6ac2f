"""Who may ask whom for what, judged from the control part and the directory alone."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import load_catalogue
from schemas.control import Control
from schemas.directory import AgencyRecord, AssessmentRecord, Grant, PolicyRecord
from schemas.law import EDITION, load_table
from schemas.policy import Rules, judge, judge_law, parties
from schemas.refusal import Refusal, RefusalCode
from schemas.text import to_text
from tests.vectors.strategies import MANY, controls

ASKS: Final = "221309"
ANSWERS: Final = "401307"
RULES: Final = Rules(load_table(), load_catalogue())
REPLY: Final = {"id": "019ab1c2-0000-7000-8000-000000000002", "message": to_text(bytes(32))}
INQUIRY: Final[dict[str, Any]] = {
    "id": "019ab1c2-0000-7000-8000-000000000001",
    "exchange": "019ab1c2-0000-7000-8000-000000000001",
    "position": 0,
    "kind": "inquiry",
    "sender": ASKS,
    "receiver": ANSWERS,
    "basis": {"edition": EDITION, "row": "27", "branch": 4},
    "item": {"name": "income_tax_certificate", "layout": 1},
    "officer": {"office": "市民税課", "role": "tax_clerk", "staff": "s-0101"},
    "created": "2026-11-24T09:00:00.000Z",
    "expires": "2026-12-01T09:00:00.000Z",
}
CLERK: Final = Grant(office="市民税課", role="tax_clerk", rows=["27"])
AUTOMATIC: Final = Grant(office="自動応答", role="automatic", rows=["27"])


def agency(code: str, *classes: str, items: list[dict[str, Any]] | None = None) -> AgencyRecord:
    provided = [INQUIRY["item"]] if items is None else items
    return AgencyRecord.model_validate(
        {"agency": code, "version": 1, "name": code, "classes": list(classes), "items": provided}
    )


def policy(code: str, *grants: Grant, automatic: Grant | None = None) -> PolicyRecord:
    return PolicyRecord(agency=code, version=3, grants=list(grants), automatic=automatic)


@dataclass
class Register:
    """A directory in which everything that the tests ask is allowed, until they change it."""

    agencies: dict[str, AgencyRecord] = field(
        default_factory=lambda: {code: agency(code, "mayor") for code in (ASKS, ANSWERS)}
    )
    policies: dict[str, PolicyRecord] = field(
        default_factory=lambda: {code: policy(code, CLERK, automatic=AUTOMATIC) for code in (ASKS, ANSWERS)}
    )
    assessments: dict[str, AssessmentRecord] = field(
        default_factory=lambda: {ASKS: AssessmentRecord(agency=ASKS, version=1, rows=["27"])}
    )


def said(**changed: Any) -> Control:
    return Control.model_validate(INQUIRY | changed)


def answer(**changed: Any) -> Control:
    swapped = {"kind": "response", "sender": ANSWERS, "receiver": ASKS, "officer": "auto", "in_reply_to": REPLY}
    return said(**(swapped | changed))


Judge = Callable[[Control, Register, Rules], str]
BOTH: Final = pytest.mark.parametrize("judged", [judge, judge_law])


def refusal(judged: Judge, control: Control, register: Register) -> Refusal:
    with pytest.raises(Refusal) as caught:
        judged(control, register, RULES)
    return caught.value


@BOTH
def test_what_the_law_allows_is_allowed_by_its_line(judged: Judge) -> None:
    """The rule is on record: edition, row and branch; the same for the inquiry and its answer."""
    rule = judged(said(), Register(), RULES)
    assert EDITION in rule
    assert "27" in rule
    assert judged(answer(), Register(), RULES) == rule


def test_a_judgement_is_by_the_parties_of_the_inquiry_whichever_way_it_goes() -> None:
    """情報照会者 and 情報提供者: an inquiry's sender asks, of all else its receiver."""
    assert parties(said()) == (ASKS, ANSWERS)
    assert parties(answer()) == (ASKS, ANSWERS)
    assert parties(answer(kind="refusal")) == (ASKS, ANSWERS)
    assert parties(said(kind="notification")) == (ANSWERS, ASKS)


@BOTH
@pytest.mark.parametrize("code", [ASKS, ANSWERS])
def test_both_agencies_are_known(judged: Judge, code: str) -> None:
    """Whichever way the message goes."""
    register = Register()
    del register.agencies[code]
    for control in (said(), answer()):
        assert refusal(judged, control, register).code is RefusalCode.UNKNOWN_AGENCY


@BOTH
def test_the_provider_provides_the_item_in_its_layout(judged: Judge) -> None:
    """Neither an item that no catalogue has, nor one that this agency does not offer; the inquirer's do not matter."""
    for name, layout in (("income_tax_certificate", 2), ("other", 1)):
        offered = {"name": name, "layout": layout}
        register = Register()
        register.agencies[ANSWERS] = agency(ANSWERS, "mayor", items=[offered])
        assert refusal(judged, said(item=offered), register).code is RefusalCode.UNKNOWN_ITEM
        assert refusal(judged, said(), register).code is RefusalCode.UNKNOWN_ITEM
    register = Register()
    register.agencies[ASKS] = agency(ASKS, "mayor", items=[])
    judged(said(), register, RULES)


@BOTH
@pytest.mark.parametrize(
    "basis",
    [
        {"row": "27", "branch": 99},
        {"row": "999", "branch": 1},
        {"row": "27", "branch": 4, "edition": "2016-01-01"},
        {"row": "27", "branch": 4, "source": "ordinance"},
        {"row": "27", "branch": 4, "source": "duty"},
        {"row": "27", "branch": 4, "source": "own_information"},
    ],
)
def test_what_no_line_allows_is_refused(judged: Judge, basis: dict[str, Any]) -> None:
    """By a line that is not there, another edition, or another source than the table: it names the edition."""
    refused = refusal(judged, said(basis={"edition": EDITION} | basis), Register())
    assert refused.code is RefusalCode.NOT_IN_LAW_TABLE
    assert EDITION in refused.rule


@BOTH
@pytest.mark.parametrize("code", [ASKS, ANSWERS])
def test_a_line_is_for_the_classes_that_it_names(judged: Judge, code: str) -> None:
    """市町村長 may ask 市町村長 by row 27 branch 4; an agency of another class, or of none, may not."""
    for classes in ((), ("governor",)):
        register = Register()
        register.agencies[code] = agency(code, *classes)
        assert refusal(judged, said(), register).code is RefusalCode.NOT_IN_LAW_TABLE


@BOTH
def test_the_inquirer_has_met_its_assessment_duty(judged: Judge) -> None:
    """For this row, also when the answer is judged; the provider's does not matter."""
    for assessments in ({}, {ASKS: AssessmentRecord(agency=ASKS, version=1, rows=["28"])}):
        register = Register(assessments=assessments)
        for control in (said(), answer()):
            refused = refusal(judged, control, register)
            assert refused.code is RefusalCode.ASSESSMENT_MISSING
            assert "27" in refused.rule
    register = Register(assessments={ANSWERS: AssessmentRecord(agency=ANSWERS, version=1, rows="all")})
    assert refusal(judged, said(), register).code is RefusalCode.ASSESSMENT_MISSING


@pytest.mark.parametrize("code", [ASKS, ANSWERS])
def test_the_senders_officer_has_the_role(code: str) -> None:
    """By the sender's own policy: of the inquirer for an inquiry, of the provider for an answer."""
    control = said() if code == ASKS else answer()
    for policies in ({}, {code: policy(code)}, {code: policy(code, CLERK.model_copy(update={"rows": ["28"]}))}):
        refused = refusal(judge, control, Register(policies=policies))
        assert refused.code is RefusalCode.ROLE_NOT_ALLOWED
        assert f"version {policies[code].version if policies else 0}" in refused.rule
    only = Register(policies={code: policy(code, CLERK, automatic=AUTOMATIC)})
    judge(control, only, RULES)


def test_automatic_answers_are_the_registered_role() -> None:
    """Without one, nothing is answered by `auto`, whoever else may."""
    register = Register(policies={ANSWERS: policy(ANSWERS, CLERK)})
    assert refusal(judge, answer(), register).code is RefusalCode.ROLE_NOT_ALLOWED
    judge(answer(officer=INQUIRY["officer"]), register, RULES)


def test_offices_are_not_the_hubs_affair() -> None:
    """It judges law and duty, and knows no policies."""
    assert judge_law(said(), Register(policies={}), RULES) == judge(said(), Register(), RULES)


def test_the_order_of_the_checks_is_fixed() -> None:
    """Where several things are wrong the first in this order is told, the same for every asker."""
    register = Register(agencies={}, policies={}, assessments={})
    codes = [refusal(judge, said(), register).code]
    register.agencies = {ASKS: agency(ASKS), ANSWERS: agency(ANSWERS, items=[])}
    codes.append(refusal(judge, said(), register).code)
    register.agencies = {ASKS: agency(ASKS), ANSWERS: agency(ANSWERS)}
    codes.append(refusal(judge, said(), register).code)
    register.agencies = Register().agencies
    codes.append(refusal(judge, said(), register).code)
    register.assessments = Register().assessments
    codes.append(refusal(judge, said(), register).code)
    assert codes == [
        RefusalCode.UNKNOWN_AGENCY,
        RefusalCode.UNKNOWN_ITEM,
        RefusalCode.NOT_IN_LAW_TABLE,
        RefusalCode.ASSESSMENT_MISSING,
        RefusalCode.ROLE_NOT_ALLOWED,
    ]


@MANY
@given(controls(), st.booleans())
def test_any_control_part_is_allowed_or_refused(control: Control, known: bool) -> None:
    """Whatever it says: a rule, or a refusal with one."""
    register = Register()
    if known:
        register.agencies |= {code: agency(code, "mayor") for code in (control.sender, control.receiver)}
    for judged in (judge, judge_law):
        try:
            rule = judged(control, register, RULES)
        except Refusal as refused:
            rule = refused.rule
        assert rule
