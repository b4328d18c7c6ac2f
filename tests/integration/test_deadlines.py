"""Nobody waits for ever: what is not answered in time ends as `timed_out`, once, whatever happens meanwhile."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import httpx
import psycopg
import pytest

from schemas import topics
from schemas.agencies import load_municipalities
from schemas.control import LONGEST_LIFE, Control, replying
from schemas.message import Drop, Emit, Message, Outcome, Position
from schemas.proof import Proof
from schemas.refusal import RefusalCode, part_of
from schemas.text import instant, later, moment, to_text
from schemas.topics import Topic
from schemas.trail import read as read_trail
from services.exchange import service, store
from services.exchange.service import Exchange
from services.operator import answers, asking, residents
from services.operator.demo import ASKER
from services.operator.identifiers import uuid7
from services.operator.local import process
from services.operator.tables import at_rest, now
from services.runtime.kafka.scan import scan
from services.runtime.rest import INTERNAL
from tests import site as sites
from tests.site import FLAGGED, RESIDENTS, Site, clear, inquiry
from tests.waiting import until

APPLICANT: Final = RESIDENTS[0]
SOON: Final = timedelta(seconds=4)
NO_DATA: Final = b'{"outcome":"no_data"}'


@pytest.fixture
async def exchange(site: Site) -> AsyncIterator[Exchange]:
    """What its steps need, to call them beside the running service."""
    async with sites.steps(site) as opened:
        yield opened


# --- on the running site


@pytest.mark.code("timed_out")
async def test_what_nobody_answers_times_out(site: Site) -> None:
    """A person waits for a decision that nobody takes: after `expires` and the grace the asker is told, once."""
    posted = inquiry(FLAGGED, expires=later(instant(now()), SOON))
    answer = await sites.ask(site, posted)
    assert (answer.state, answer.outcome, answer.business["retry"]) == ("refused", "timed_out", "new_id")
    assert answer.business["rule"] == f"expires {posted.question.expires}"
    assert instant(now()) >= later(str(posted.question.expires), timedelta(seconds=sites.GRACE))
    [record] = await sites.completed(site, {posted.question.id})
    control = sites.ended_by(site, record)
    assert control == posted.question.completed(control.created, str(posted.question.expires))
    assert (record.headers["ce_type"], record.headers["ce_id"]) == (
        b"renkei.exchange.refused",
        f"{posted.question.id}/0".encode(),
    )
    await sites.settled(site)
    assert await outcomes(site, posted.question.id) == ["timed_out"]


@pytest.mark.parametrize(
    ("ahead", "code"),
    [(timedelta(0), "expired"), (LONGEST_LIFE + timedelta(minutes=1), "malformed")],
    ids=["over", "too far"],
)
async def test_a_deadline_that_cannot_be_kept_is_refused(site: Site, ahead: timedelta, code: str) -> None:
    """One that is over already, or more than 31 days ahead; the rule says why."""
    posted = inquiry(APPLICANT, expires=later(instant(now()), ahead))
    answer = await sites.ask(site, posted)
    assert (answer.state, answer.outcome) == ("refused", code)
    assert "expires" in answer.business["rule"]


async def test_a_deadline_within_31_days_is_kept(site: Site) -> None:
    """The control part has the one that was asked for, and the answer comes as ever."""
    posted = inquiry(APPLICANT, expires=later(instant(now()), LONGEST_LIFE - timedelta(minutes=1)))
    assert sites.answers(await sites.ask(site, posted), APPLICANT)
    asked = [record for record in await scan(site.kafka(), topics.outbound_coded) if record.key == ASKER]
    [control] = {record.control for record in asked if record.control.id == posted.question.id}
    assert control.expires == posted.question.expires


async def test_a_late_answer_is_recorded_and_completes_nothing(site: Site) -> None:
    """The asker has been told `timed_out`, and that stays."""
    posted = inquiry(FLAGGED)
    await parked(site, posted.question.id, posted)
    sites.run_out(site, posted.question.id)
    answer = await asking.wait(site, ASKER, posted.question.id, 30)
    assert answer.outcome == "timed_out"
    await sites.answer_past_own_side(site, posted, FLAGGED, NO_DATA)

    async def recorded() -> bool:
        return "unmatched" in await outcomes(site, posted.question.id)

    await until(recorded)
    await sites.settled(site)
    assert await outcomes(site, posted.question.id) == ["timed_out", "unmatched"]
    assert await asking.wait(site, ASKER, posted.question.id, 0) == answer
    assert len(await sites.completed(site, {posted.question.id})) == 1


async def test_a_deadline_survives_a_kill(site: Site) -> None:
    """`kill -9` between the tick and the end: the record comes again, and the exchange ends once."""
    await asyncio.to_thread(sites.switch, site, "service")
    posted = inquiry(FLAGGED)
    await parked(site, posted.question.id, posted)

    async def published() -> bool:
        due = [record.control.id for record in await scan(site.kafka(), topics.exchange_due)]
        return posted.question.id in due and sites.waiting_for_locks(site) > 0

    with sites.locked(site, "LOCK TABLE exchange.decisions IN EXCLUSIVE MODE"):  # no step gets past it
        sites.run_out(site, posted.question.id)
        await until(published)
        process.kill("exchange", site.folder)
    assert (await asking.wait(site, ASKER, posted.question.id, 0)).state == "waiting"
    await asyncio.to_thread(site.wait_ready, [site.start("exchange")])
    assert (await asking.wait(site, ASKER, posted.question.id, 30)).outcome == "timed_out"
    await sites.settled(site)
    said = [clear(site, record) for record in await sites.completed(site, {posted.question.id})]
    assert [part["code"] for part in said] == ["timed_out"]
    assert await outcomes(site, posted.question.id) == ["timed_out"]


# --- the step


async def test_a_redelivery_is_emitted_again(site: Site, exchange: Exchange) -> None:
    """The same record says the same again, though the exchange has ended; what a later tick published is a copy."""
    control = await sites.open_alone(site, inquiry(APPLICANT))
    first, again = [await service.time_out([due(control)], exchange) for _ in range(2)]
    assert [said(site, one) for one in (first, again)] == [(["timed_out"], ["timed_out"])] * 2
    assert await service.time_out([due(control, 1)], exchange) == [Drop(due(control, 1).position, "copy")]
    both = await service.time_out([due(control), due(control, 1)], exchange)
    assert said(site, both) == (["timed_out"], ["timed_out"])


async def test_what_has_ended_does_not_end_again(site: Site, exchange: Exchange) -> None:
    """What was published before somebody else ended it is dropped, and nobody is told anything."""
    control = await sites.open_alone(site, inquiry(APPLICANT))
    assert said(site, await service.take_back([returned(control)], exchange))[0] == ["role_not_allowed"]
    assert await service.time_out([due(control)], exchange) == [Drop(due(control).position, "ended")]
    assert stored(site, control.id) == "role_not_allowed"


async def test_an_answers_id_is_not_used_for_something_else(site: Site, exchange: Exchange) -> None:
    """Only within the site could it be: that is an incident, and the exchange stays as it ended."""
    control = await sites.open_alone(site, inquiry(APPLICANT))
    first = answered(site, control)
    assert said(site, await service.finish([first], exchange))[0] == ["no_data"]
    proved = Proof.model_validate_json(first.headers["proof"]).model_copy(update={"message": to_text(bytes([1] * 32))})
    other = replace(first, headers={**first.headers, "proof": proved.encoded()})
    outcomes = await service.finish([read_at(topics.inbound_answered, other, control, 1)], exchange)
    assert said(site, outcomes) == ([], ["id_reused"])
    assert stored(site, control.id) == "no_data"


@pytest.mark.parametrize("place", range(3))
async def test_of_those_who_would_end_it_one_does(site: Site, exchange: Exchange, place: int) -> None:
    """Answer, refusal and deadline at once, each in a transaction of its own: one is told, and that is what is kept."""
    control = await sites.open_alone(site, inquiry(APPLICANT))
    work = [
        service.finish([answered(site, control)], exchange),
        service.take_back([returned(control)], exchange),
        service.time_out([due(control)], exchange),
    ]
    with sites.locked(site, "SELECT FROM exchange.exchanges WHERE id = %s FOR UPDATE", control.id):
        tasks = [asyncio.create_task(one) for one in (*work[place % 3 :], *work[: place % 3])]
        await until(lambda: sites.waiting_for_locks(site) == len(tasks))
    ended = [told for task in tasks for told in said(site, await task)[0]]
    assert len(ended) == 1
    assert [stored(site, control.id)] == ended


# --- the tick


async def test_the_tick_publishes_what_is_due(site: Site, exchange: Exchange) -> None:
    """The inquiry's control part under its agency's code, after the grace, as long as the exchange is open."""
    control, ended = [await sites.open_alone(site, inquiry(APPLICANT)) for _ in range(2)]
    await service.time_out([due(ended)], exchange)
    grace = timedelta(seconds=sites.GRACE)
    for wait, expected in ((grace - timedelta(milliseconds=1), []), (grace, [control])):
        at = moment(later(control.expires, wait))
        async with sites.steps(site, lambda at=at: at) as then:  # type: ignore[misc]
            emits = await service.publish_due(then)
        mine = [emit for emit in emits if emit.message.control.id in (control.id, ended.id)]
        assert [emit.message.control for emit in mine] == expected
    assert mine[0].topic == topics.exchange_due
    assert mine[0].message == Message(ASKER, b"", {"control": control.encoded()})


async def test_what_stays_open_is_said_ever_more_seldom(site: Site) -> None:
    """If no step can do what the tick publishes, it does not fill the log; once it has ended nothing is remembered of it."""
    control = await sites.open_alone(site, inquiry(APPLICANT))
    over, seconds = moment(later(control.expires, timedelta(seconds=sites.GRACE))), 0
    async with sites.steps(site, lambda: over + timedelta(seconds=seconds)) as then:
        published = []
        for seconds in range(16):  # the clock reads it
            emits = await service.publish_due(then)
            published += [seconds for emit in emits if emit.message.control.id == control.id]
        assert published == [0, 2, 6, 14]
        await service.time_out([due(control)], then)
        seconds = 60
        await service.publish_due(then)
        assert control.id not in then.deadlines.said


async def test_the_tick_is_cheap_for_every_municipality(site: Site, exchange: Exchange) -> None:
    """All 1,741 named, it reads the index of what is open by its deadline, not what has ended."""
    codes = {one.code for one in load_municipalities()}
    assert len(codes) == 1741
    ended = """
        INSERT INTO exchange.exchanges (agency, id, receiver, basis, item, person, state, created, expires)
        SELECT '221309', gen_random_uuid(), '', '', '', '', 'answered', now(), now() - interval '1 day'
        FROM generate_series(1, 20000) RETURNING id
    """
    with psycopg.connect(site.superuser(), autocommit=True) as connection:
        made = [row[0] for row in connection.execute(ended).fetchall()]
        try:
            connection.execute("ANALYZE exchange.exchanges")
            async with exchange.finisher.database.transaction(codes) as transaction:
                plan = await transaction.fetch("EXPLAIN " + store._DUE, sorted(codes), instant(now()), [], 500)
                found = await store.due(transaction, codes, "2000-01-01T00:00:00.000Z", [], 500)
        finally:
            connection.execute("DELETE FROM exchange.exchanges WHERE id = ANY (%s)", [made])
    assert "exchanges_due" in " ".join(row[0] for row in plan)
    assert found == []


# --- what the tests say


async def parked(site: Site, exchange: str, posted: Any) -> None:
    """Asks about a flagged person, and returns when the other side waits for somebody's decision."""
    assert (await asking.post_http(site, posted)).status_code == httpx.codes.ACCEPTED

    async def state() -> bool:
        return await residents.case_state(site, FLAGGED.provider, ASKER, exchange) == "waiting_manual"

    await until(state)


async def outcomes(site: Site, exchange: str) -> list[str]:
    """What the asker's `exchange` recorded of its end, in order."""
    records = await scan(site.kafka(), topics.intermediate_recorded)
    mine = [
        record for record in records if record.key == ASKER and exchange.encode() in record.headers.get("control", b"")
    ]
    found = [read_trail(record.headers["trail"]).findings[-1] for record in mine]
    return [one.rule if one.rule == "unmatched" else one.outcome for one in found if one.layer == "exchange"]


def due(control: Control, place: int = 0) -> Message:
    """What the ticker publishes, as it is read at a place of the topic."""
    return read_at(topics.exchange_due, Message(ASKER, b"", {"control": control.encoded()}), control, place)


def returned(control: Control) -> Message:
    """The inquiry as `authorization` sends it back."""
    part = part_of(RefusalCode.ROLE_NOT_ALLOWED, "test").encoded()
    headers = {"control": control.encoded(), "refusal": part}
    return read_at(topics.outbound_refused, Message(ASKER, b"", headers), control, 0)


def answered(site: Site, control: Control) -> Message:
    """An answer as `id_conversion` hands it on."""
    proved = Proof(message=to_text(bytes(32)), decision=to_text(bytes(32)), time=instant(now()))
    said = replying(
        control,
        "response",
        id=uuid7(),
        message=proved.message,
        decision=proved.decision,
        created=control.created,
        expires=control.expires,
    ).encoded()
    sealed = at_rest(site).seal(ASKER, said, {"value": NO_DATA, "subject": INTERNAL + APPLICANT.number.encode()})
    headers = {"control": said, "proof": proved.encoded(), "subject": sealed["subject"], "sealed": sealed["sealed"]}
    return read_at(topics.inbound_answered, Message(ASKER, sealed["value"], headers), control, 0)


def read_at(topic: Topic, message: Message, control: Control, place: int) -> Message:
    """As a loop reads it; no two exchanges stand at one place."""
    position = Position(topic.name, place, uuid.UUID(control.id).int >> 66)
    return Message(message.key, message.value, message.headers, position, source=str(position))


def stored(site: Site, exchange: str) -> str:
    """What the asker would be shown."""
    kept = "SELECT sealed, control, value FROM exchange.exchanges WHERE id = %s"
    [(sealed, control, value)] = sites.rows(site, kept, exchange)
    return sites.word(at_rest(site).open_part(ASKER, sealed, "value", control, value))


def said(site: Site, some: Sequence[Outcome]) -> tuple[list[str], list[str]]:
    """The outcomes that the asker is told, and those that the ledger is."""
    emits = [one.message for one in some if isinstance(one, Emit) and one.topic == topics.exchange_completed]
    told = [sites.word(answers.opened(site, message).business) for message in emits]
    records = [one.message for one in some if isinstance(one, Emit) and one.topic == topics.intermediate_recorded]
    found = [read_trail(message.headers["trail"]).findings[-1].outcome for message in records]
    return told, found
