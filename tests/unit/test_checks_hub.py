"""Every check of the hub, alone and in its order: what is wrong in one place meets the code of that place."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from schemas.refusal import RefusalCode, SecurityEvent
from schemas.text import to_text
from schemas.wire.envelope import Envelope
from services.hub.judging import Judged, Submitted
from services.hub.permitting import PERMITTED, Granted, Note
from tests.checks import submission
from tests.checks.faults import Fault, every, pairs
from tests.checks.parties import CORE, Parties
from tests.checks.submission import CHAIN, FACELESS_FAULTS, INQUIRY_FAULTS, Submission, answer, inquiry, refusal


def judged(draft: Submission) -> Judged:
    """What the hub makes of it, as its step does: `asked` and `known` are what the tables would hold."""
    message, judge = draft.message(), draft.parties.judge
    envelope = Envelope.of(message).read()
    one = Submitted(message, envelope, envelope.said)
    core, _ = judge.named(one, draft.known)
    return judge.decided(one, core if core == CORE else None, draft.asked)


def met(draft: Submission) -> str:
    """The code of the check that stopped it, or the verdict."""
    try:
        return judged(draft).decided.verdict
    except SecurityEvent as event:
        return str(event.code)


def spoilt(draft: Submission, *faults: Fault[Submission]) -> Submission:
    for fault in faults:
        fault.spoil(draft)
    return draft


@pytest.mark.parametrize("whole", [answer, inquiry, refusal])
def test_what_is_right_is_permitted(whole: Callable[[Parties], Submission]) -> None:
    """An answer, a question, a refusal; D is on this M."""
    one = judged(whole(Parties()))
    assert one.decided.verdict == PERMITTED
    granted = whole(Parties()).parties.judge.permitter.stored(
        one.submitted.envelope, CORE, one.decided.verdict, one.noted(one.decided)
    )
    assert isinstance(granted, Granted)
    assert granted.decision.message == to_text(one.submitted.envelope.identity)


def test_what_another_decided_first_stands() -> None:
    """Whatever this process would have noted: of two that judge the same record, one is stored."""
    one = judged(inquiry(Parties()))
    first = Note(rule="of another process", time="2026-11-24T09:00:00.000Z")
    standing = replace(one.decided, note=first.encoded().decode())
    assert one.noted(standing) == first
    assert one.noted(one.decided) == one.note


@every(CHAIN)
def test_an_answer_meets_each_check(fault: Fault[Submission]) -> None:
    """What is wrong in this place only is found there."""
    assert met(spoilt(answer(Parties()), fault)) == fault.code


@every(INQUIRY_FAULTS)
def test_a_question_meets_each_check(fault: Fault[Submission]) -> None:
    """What only a question can have wrong, or what needs no inquiry before it."""
    assert met(spoilt(inquiry(Parties()), fault)) == fault.code


@every(FACELESS_FAULTS)
def test_a_refusal_meets_each_check(fault: Fault[Submission]) -> None:
    """It is about nobody, and yet it answers something."""
    assert met(spoilt(refusal(Parties()), fault)) == fault.code


@pytest.mark.parametrize("earlier", CHAIN, ids=str)
def test_of_two_faults_the_earlier_is_met(earlier: Fault[Submission]) -> None:
    """Whatever else is wrong further down: the order of the checks is that of the list."""
    for first, later in pairs(CHAIN):
        if first is earlier:
            draft = spoilt(answer(Parties()), later, earlier)
            assert met(draft) == earlier.code, later


@pytest.mark.check("hub: person")
def test_whether_a_person_exists_is_not_told_where_the_law_does_not_allow_the_question() -> None:
    """The unlawful question about nobody has the code, and the rule, of the unlawful question about somebody."""
    rules = []
    for somebody in (True, False):
        draft = inquiry(Parties())
        submission.unlawful(draft)
        if not somebody:
            submission.unknown_person(draft)
        one = judged(draft)
        assert one.decided.verdict == RefusalCode.NOT_IN_LAW_TABLE
        rules.append((one.decided.note, one.decided.verdict))
    assert rules[0] == rules[1]
