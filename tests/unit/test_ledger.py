"""The ledger of the fault matrix finds each fault that is planted in books that balance."""

import base64
from collections.abc import Callable
from dataclasses import replace

import pytest

from schemas import canonical, topics
from schemas.control import Control, replying
from schemas.message import Message, Position
from schemas.refusal import SecurityCode
from schemas.topics import Topic
from schemas.trail import Finding, extended
from services.operator.identifiers import uuid7
from tests import site as sites
from tests.faults.books import LEDGERS, MARKERS, Ending, Evidence, in_clear
from tests.faults.ground import CASES, Case
from tests.faults.ledger import Ledger, Verdict
from tests.many import STORED

CREATED, EXPIRES = "2026-04-01T00:00:00.000Z", "2026-04-08T00:00:00.000Z"
COUNT = 3
CASE = CASES[0]
QUESTIONS = [sites.inquiry(CASE.resident, asker=CASE.asker).question.completed(CREATED, EXPIRES) for _ in range(COUNT)]
POSTED = {question.id: CASE for question in QUESTIONS}
RIGHT = canonical.encode({"outcome": "records", "records": [sites.copy_of(CASE.resident)]})


def answer(question: Control) -> Control:
    return replying(
        question, "response", id=uuid7(), message="A" * 43, decision="A" * 43, created=CREATED, expires=EXPIRES
    )


ANSWERS = [answer(question) for question in QUESTIONS]


def record(topic: Topic, control: Control, place: int, outcome: str = "allowed") -> Message:
    trail = extended(b"", Finding(layer="crypto", outcome=outcome, rule="", edition=1))
    return Message("", b"", {"control": control.encoded(), "trail": trail}, Position(topic.name, 0, place))


BALANCED = Evidence(
    requested=[record(topics.outbound_requested, one, place) for place, one in enumerate(QUESTIONS)],
    opened=[
        record(topics.inbound_opened, one, place) for place, one in enumerate((*QUESTIONS, *ANSWERS, QUESTIONS[0]))
    ],
    completed=[Ending(one.exchange, one.encoded(), RIGHT) for one in (*ANSWERS, ANSWERS[1])],
    recorded=[record(ledger, one, 0) for ledger in LEDGERS for one in (*QUESTIONS, *ANSWERS)],
    stored={table: times * COUNT for table, times in STORED.items()},
)


def verdict(evidence: Evidence) -> Verdict:
    return Ledger(POSTED, evidence).verdict()


def found(evidence: Evidence) -> set[str]:
    """The names of the lists that are not empty."""
    judged = verdict(evidence)
    return {name for name in ("lost", "twice", "disordered", "clear", "wrong") if getattr(judged, name)}


def test_books_balance() -> None:
    """Repeats that are equal are none of anybody's business: here of an opened message and of an end."""
    assert verdict(BALANCED).balanced()


def without_an_end() -> Evidence:
    return replace(BALANCED, completed=[end for end in BALANCED.completed if end.exchange != QUESTIONS[0].id])


def without_a_row() -> Evidence:
    return replace(BALANCED, stored={**BALANCED.stored, "hub.provisions": STORED["hub.provisions"] * COUNT - 1})


def without_a_record() -> Evidence:
    return replace(BALANCED, recorded=BALANCED.recorded[1:])


def with_another_end() -> Evidence:
    other = Ending(QUESTIONS[0].id, answer(QUESTIONS[0]).encoded(), RIGHT)
    return replace(BALANCED, completed=[*BALANCED.completed, other])


def with_a_row_more() -> Evidence:
    return replace(BALANCED, stored={**BALANCED.stored, "routing.cases": STORED["routing.cases"] * COUNT + 1})


def with_two_exchanged() -> Evidence:
    first, second, *others = BALANCED.opened
    return replace(BALANCED, opened=[second, first, *others])


def with_a_marker() -> Evidence:
    spelled = base64.b64encode(b"xy" + MARKERS[0] + b"0001")
    hits = in_clear({topics.inbound_opened: [Message("", b"", {"subject": spelled}, Position("there", 0, 7))]})
    return replace(BALANCED, clear=hits)


def with_a_refusal() -> Evidence:
    refused = canonical.encode({"outcome": "refused", "code": "timed_out", "rule": ""})
    ends = [Ending(one.exchange, one.encoded(), refused) for one in ANSWERS[:1]]
    return replace(BALANCED, completed=[*ends, *BALANCED.completed[1:3]])


def with_anothers_answer() -> Evidence:
    other = canonical.encode({"outcome": "records", "records": [sites.copy_of(CASES[1].resident)]})
    ends = [Ending(one.exchange, one.encoded(), other) for one in ANSWERS[:1]]
    return replace(BALANCED, completed=[*ends, *BALANCED.completed[1:3]])


def with_an_alarm() -> Evidence:
    alarm = record(topics.linkage_recorded, QUESTIONS[0], 0, SecurityCode.REPLAYED)
    return replace(BALANCED, recorded=[*BALANCED.recorded, alarm])


def with_something_aside() -> Evidence:
    return replace(BALANCED, aside=1)


@pytest.mark.parametrize(
    ("planted", "name"),
    [
        (without_an_end, "lost"),
        (without_a_row, "lost"),
        (without_a_record, "lost"),
        (with_another_end, "twice"),
        (with_a_row_more, "twice"),
        (with_two_exchanged, "disordered"),
        (with_a_marker, "clear"),
        (with_a_refusal, "wrong"),
        (with_anothers_answer, "wrong"),
        (with_an_alarm, "wrong"),
        (with_something_aside, "wrong"),
    ],
)
def test_what_is_planted_is_found(planted: Callable[[], Evidence], name: str) -> None:
    """And nothing else is."""
    assert found(planted()) == {name}


def test_clocks_that_differ_excuse_a_deadline() -> None:
    """Where a security event says so, and only for the exchange that it is about; an end there must be nevertheless."""
    skewed = [record(topics.linkage_recorded, QUESTIONS[0], 0, SecurityCode.CLOCK_SKEW)]
    excused = replace(with_a_refusal(), recorded=[*BALANCED.recorded, *skewed])
    assert Ledger(POSTED, excused, differing=True).verdict().balanced()
    unended = replace(without_an_end(), recorded=[*BALANCED.recorded, *skewed])
    assert Ledger(POSTED, unended, differing=True).verdict().lost
    late = replace(excused, opened=[*BALANCED.opened[1:3], BALANCED.opened[0]])
    assert Ledger(POSTED, late, differing=True).verdict().balanced()


def test_clocks_that_agree_excuse_nothing() -> None:
    """Where no clock was touched, such a security event is wrong by itself."""
    alarm = record(topics.linkage_recorded, QUESTIONS[0], 0, SecurityCode.CLOCK_SKEW)
    assert found(replace(BALANCED, recorded=[*BALANCED.recorded, alarm])) == {"wrong"}
    assert len(verdict(replace(with_a_refusal(), recorded=[*BALANCED.recorded, alarm])).wrong) == 2


def test_somebody_elses_end_is_wrong() -> None:
    """An exchange that nobody has posted."""
    others: dict[str, Case] = dict(list(POSTED.items())[1:])
    evidence = replace(BALANCED, stored={table: times * (COUNT - 1) for table, times in STORED.items()})
    assert Ledger(others, evidence).verdict().wrong
