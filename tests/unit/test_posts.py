"""A post over Kafka that is dropped is seen: in the log, in a count and in the ledger, by position and rule alone."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from schemas import topics
from schemas.catalogue import load_catalogue
from schemas.message import Drop, Emit, Message, Position
from schemas.refusal import Refusal, RefusalCode
from schemas.trail import read
from services.exchange.accepting import MISPLACED, Accepter
from services.exchange.ending import refusing
from services.exchange.posted import parts
from services.operator.asking import posted_record
from services.operator.history.posts import faults
from services.operator.status.programs import faulty_posts
from services.runtime.directory import Directory
from services.runtime.kafka.log import partition_of
from tests.gateway import ASKER, MARKER, NOW, REST, SYSTEMS, asserted, inquiry

POSTED: Final = inquiry()
RECORD: Final = posted_record(POSTED, asserted(POSTED))
PARTS: Final = ("control", "subject", "assertion")
HOME: Final = partition_of(ASKER, topics.outbound_requested)
WHERE: Final = Position(topics.outbound_requested.name, HOME, 42)


def accepter() -> Accepter:
    keys = {made.record.kid: made.record for made in SYSTEMS.values() if made.record}
    directory = Directory({}, lambda: NOW, keys=keys, beat=NOW)
    unused: Any = None
    return Accepter(REST, directory, load_catalogue(), unused, lambda: NOW, partition=partition_of)


def post(headers: Mapping[str, bytes], value: bytes = RECORD.value, key: str = ASKER) -> Message:
    return Message(key, value, headers, WHERE, str(WHERE), int(NOW.timestamp() * 1000))


def renamed(name: str) -> dict[str, bytes]:
    """The good headers, the three that count under other names."""
    return {name.format(one) if one in PARTS else one: data for one, data in RECORD.headers.items()}


GOOD: Final = dict(RECORD.headers)
SPOILT: Final[dict[str, tuple[Message, str, str]]] = {
    "quoted control": (
        post(GOOD | {"control": b'"' + GOOD["control"] + b'"'}),
        "malformed",
        "header control is quoted",
    ),
    "quoted subject": (
        post(GOOD | {"subject": b'"' + GOOD["subject"] + b'"'}),
        "malformed",
        "header subject is quoted",
    ),
    "structured": (
        post({"content-type": b"application/cloudevents+json; charset=utf-8"}, b'{"specversion":"1.0"}'),
        "malformed",
        "structured-mode CloudEvent: expected binary mode",
    ),
    "structured, unmarked": (post({}, b'{"specversion": "1.0"}'), "malformed", "structured-mode CloudEvent"),
    "doubled prefix": (post(renamed("ce_ce_{}")), "malformed", "header ce_ce_control: expected control or ce_control"),
    "prefix of HTTP": (post(renamed("ce-{}")), "malformed", "header ce-control: expected control or ce_control"),
    "prefix without underscore": (post(renamed("ce{}")), "malformed", "header cecontrol: expected"),
    "no control part": (post({MARKER: b"x"}), "malformed", "header control is missing"),
    "no assertion": (
        post({name: data for name, data in GOOD.items() if name != "assertion"}),
        "bad_assertion",
        "header assertion is missing",
    ),
    "expired": (
        post(GOOD | {"assertion": asserted(POSTED, expires=int(NOW.timestamp()) - 61).encode()}),
        "bad_assertion",
        "claim exp: expired 61 s ago by this clock",
    ),
    "another key": (post(GOOD, key=MARKER), "unknown_agency", "record key: expected the same code as control.sender"),
}


@pytest.mark.parametrize(("message", "code", "rule"), SPOILT.values(), ids=SPOILT)
async def test_a_post_that_is_dropped_is_recorded_by_its_position(message: Message, code: str, rule: str) -> None:
    """Topic, partition, offset and rule stand in the log and in the ledger; nothing that was posted does."""
    held = accepter()
    outcomes: list[Any] = []
    with capture_logs() as lines:
        assert held._asserted([message], outcomes) == []
    drop, emit = outcomes
    assert drop == Drop(WHERE, code)
    assert isinstance(emit, Emit)
    assert emit.topic is topics.intermediate_recorded
    record = emit.message
    assert (record.headers["post"], record.value) == (str(WHERE).encode(), b"")
    assert read(record.headers["trail"]).findings[0].rule.startswith(rule)
    [line] = lines
    assert (line["event"], line["where"], line["code"]) == ("post dropped", str(WHERE), code)
    assert line["reason"].startswith(rule)
    for said in (record.key, str(record.headers), str(line)):
        assert MARKER not in said
        assert POSTED.number.decode() not in said
    [fault] = faults([record, replace(record, time=9)], str(WHERE))
    assert (fault.finding.outcome, fault.finding.rule) == (code, line["reason"])
    assert faults([record], "outbound.requested/0/1") == []
    assert faulty_posts(generate_latest(held.metrics.registry).decode()) == 1


async def test_a_post_in_another_partition_is_accepted_and_recorded() -> None:
    """Its order among the agency's posts is lost: a producer that partitions otherwise is found."""
    held = accepter()
    elsewhere = WHERE._replace(partition=(HOME + 1) % 12)
    outcomes: list[Any] = []
    message = replace(post(GOOD), position=elsewhere, source=str(elsewhere))
    [candidate] = held._asserted([message], outcomes)
    assert candidate.posted == POSTED
    [emit] = outcomes
    [found] = read(emit.message.headers["trail"]).findings
    assert (found.outcome, emit.message.headers["post"]) == (MISPLACED, str(elsewhere).encode())
    assert found.rule == f"partition {(HOME + 1) % 12}: expected {HOME}, by murmur2 of the record key"
    clean: list[Any] = []
    assert held._asserted([post(GOOD)], clean)
    assert clean == []


def test_a_cloudevents_sdk_posts_by_attributes_alone() -> None:
    """Control part, number and assertion with the prefix `ce_`, as extension attributes; a header without it goes first."""
    assert parts(post(renamed("ce_{}"))) == parts(post(GOOD))
    assert parts(post(GOOD | {"ce_subject": b"another"})).subject == POSTED.number
    held = accepter()
    assert held.candidate(post(renamed("ce_{}"))).posted == POSTED


def test_what_ends_an_exchange_is_complete_in_attributes() -> None:
    """An SDK hands on `ce_` attributes alone: what says how to read the value is among them, in lower-case letters."""
    held, question = accepter(), POSTED.question
    control = question.completed("2026-11-24T09:00:00.000Z", "2026-12-01T09:00:00.000Z").encoded()
    ending = refusing(control, Refusal(RefusalCode.TIMED_OUT, "a rule"), post(GOOD), REST)
    headers = ending.completed(post(GOOD), "default", held.answer_keys).message.headers
    assert {"ce_id", "ce_source", "ce_specversion", "ce_type"} <= headers.keys()
    assert ("content-type" in headers) == ("ce_datacontenttype" in headers)
    for name in headers.keys() - {"content-type", "traceparent"}:
        assert name.removeprefix("ce_").isalnum()
        assert name.startswith("ce_")
        assert name.islower()
