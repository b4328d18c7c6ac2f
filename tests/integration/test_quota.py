"""An agency opens as many inquiries a day as its own check policy says, and no more; what was decided stays decided."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import httpx
import pytest

from schemas import topics, trail
from schemas.directory import Grant, PolicyRecord
from schemas.message import Drop, Emit, Message, Outcome, Position
from schemas.request import Posted
from services.exchange import service
from services.exchange.quota import day_of
from services.exchange.service import Exchange
from services.operator import asking, publication, residents
from services.operator.demo import ALLOWANCE, ASKER, ELSEWHERE, ITEM, NEIGHBOUR, OFFICE, OFFICER, YEAR
from services.operator.tables import now
from tests import site as sites
from tests.site import RESIDENTS, Site, inquiry
from tests.waiting import until

AUTOMATIC = Grant(office="税務課", role="automatic", rows="all")
CLERK = Grant(office=OFFICE, role=OFFICER.role, rows=["57"])


@pytest.fixture
def clock() -> list[datetime]:
    """What time it is for the steps: a day that no other test counts on."""
    return [now() + timedelta(days=20)]


@pytest.fixture
async def exchange(site: Site, clock: list[datetime]) -> AsyncIterator[Exchange]:
    """The steps of `exchange`, with a quota of two for the asker."""
    async with sites.steps(site, lambda: clock[0]) as opened:
        limit(opened, 2)
        yield opened
    sites.delete(site, "DELETE FROM exchange.openings WHERE agency = %s", ASKER)


def limit(exchange: Exchange, quota: int | None) -> None:
    """As if the asker's policy said so."""
    policies = exchange.accepter.directory.policies
    policies[ASKER] = policies[ASKER].model_copy(update={"quota": quota, "version": 7})


@pytest.mark.code("quota_exceeded")
async def test_what_is_over_the_quota_is_refused(site: Site, exchange: Exchange) -> None:
    """Two are opened, whatever stands between them: copies and refused ones count nothing; the third is told why."""
    one, two, three = (posted(site, place) for place in range(3))
    wrong = posted(site, 3, inquiry(RESIDENTS[0], officer=OFFICER.model_copy(update={"staff": "nobody"})))
    said = await accept(exchange, wrong, one, at(one, 100), two, three)
    assert said == ["officer_unknown", "opened", "copy", "opened", "quota_exceeded"]
    assert await accept(exchange, posted(site, 4)) == ["quota_exceeded"]
    refused = await service.accept([three], exchange)
    [told] = [emit.message for emit in refused if isinstance(emit, Emit) and emit.topic == topics.exchange_completed]
    assert sites.clear(site, told)["retry"] == "new_id"
    assert sites.clear(site, told)["rule"] == "check policy version 7: 2 inquiries a day"


async def test_a_redelivery_has_the_same_outcome(site: Site, exchange: Exchange) -> None:
    """What was opened is opened again though the quota is used up, what was refused stays refused; neither is counted."""
    batch = [posted(site, place) for place in range(3)]
    first = await accept(exchange, *batch)
    assert first == ["opened", "opened", "quota_exceeded"]
    for quota in (0, 2, 9, None):
        limit(exchange, quota)
        assert await accept(exchange, *batch) == first
    limit(exchange, 3)
    copy = at(batch[0], 9)
    assert await accept(exchange, copy, posted(site, 3), posted(site, 4)) == ["copy", "opened", "quota_exceeded"]


async def test_the_next_day_is_another(site: Site, exchange: Exchange, clock: list[datetime]) -> None:
    """The quota is of a Japanese calendar day."""
    assert (await accept(exchange, *(posted(site, place) for place in range(3))))[-1] == "quota_exceeded"
    clock[0] += timedelta(days=1)
    assert await accept(exchange, posted(site, 3)) == ["opened"]


async def test_two_batches_at_once_share_the_quota(site: Site, exchange: Exchange) -> None:
    """Two processes that work for one agency never open more than one could."""
    assert await accept(exchange, posted(site, 0)) == ["opened"]
    with sites.locked(site, "SELECT FROM exchange.openings WHERE agency = %s FOR UPDATE", ASKER):
        tasks = [asyncio.create_task(accept(exchange, posted(site, place))) for place in range(1, 4)]
        await until(lambda: sites.waiting_for_locks(site) == len(tasks))
    assert sorted([word for task in tasks for word in await task]) == ["opened", "quota_exceeded", "quota_exceeded"]


async def test_without_a_quota_nothing_is_counted(site: Site, exchange: Exchange) -> None:
    """Nor is anything refused."""
    limit(exchange, None)
    assert await accept(exchange, *(posted(site, place) for place in range(5))) == ["opened"] * 5
    assert sites.rows(site, "SELECT FROM exchange.openings WHERE agency = %s", ASKER) == []


def test_a_day_begins_at_midnight_in_japan() -> None:
    """15:00 UTC."""
    assert str(day_of("2026-11-24T14:59:59.999Z")) == "2026-11-24"
    assert str(day_of("2026-11-24T15:00:00.000Z")) == "2026-11-25"


async def test_a_published_quota_holds(site: Site) -> None:
    """Described again with a quota, an agency's policy has a higher version, and its inquiries are refused; and back."""
    await residents.load_staff(site, NEIGHBOUR, [OFFICER])
    try:
        await describe(site, 0)
        await until(lambda: outcome_is(site, "quota_exceeded"))
    finally:
        await describe(site, None)
    await until(lambda: outcome_is(site, "unknown_person"))


def test_what_is_described_again_rises_only_where_it_differs(site: Site) -> None:
    """The same words keep their version."""
    same = PolicyRecord(agency=ELSEWHERE, version=1, grants=[CLERK], automatic=AUTOMATIC)
    assert publication.risen(site, same) == same
    changed = publication.risen(site, same.model_copy(update={"quota": 5}))
    assert (changed.version, changed.quota) == (2, 5)


# --- what the tests say


async def describe(site: Site, quota: int | None) -> None:
    await asyncio.to_thread(publication.describe, site, [NEIGHBOUR], [ITEM], [CLERK], AUTOMATIC, quota)
    await publication.publish(site)
    await publication.published(site)


async def outcome_is(site: Site, code: str) -> bool:
    """What comes of an inquiry by the neighbour, who knows nobody."""
    asked = asking.inquiry(NEIGHBOUR, ELSEWHERE, sites.NUMBER, ALLOWANCE, ITEM, OFFICER, YEAR)
    assert (await asking.post_http(site, asked)).status_code == httpx.codes.ACCEPTED
    return (await asking.wait(site, NEIGHBOUR, asked.question.id, 30)).outcome == code


def posted(site: Site, place: int, what: Posted | None = None) -> Message:
    """A request as the loop reads it."""
    return at(sites.record(site, what or inquiry(RESIDENTS[place])), place)


def at(message: Message, place: int) -> Message:
    """The same where another would stand."""
    position = Position(topics.outbound_requested.name, place, time.time_ns())
    return Message(message.key, message.value, message.headers, position, str(position), int(time.time() * 1000))


async def accept(exchange: Exchange, *messages: Message) -> list[str]:
    """In one word what comes of each message, in their order."""
    outcomes = await service.accept(messages, exchange)
    return [_word(message, outcomes) for message in messages]


def _word(message: Message, outcomes: Sequence[Outcome]) -> str:
    mine = [one for one in outcomes if one.cause == message.position]
    match [one for one in mine if isinstance(one, Drop) or one.topic != topics.intermediate_recorded]:
        case [Drop(reason=reason)]:
            return reason
        case [Emit(topic=topics.outbound_composed)]:
            return "opened"
        case [Emit(topic=topics.exchange_completed)]:
            [record] = [
                one.message for one in mine if isinstance(one, Emit) and one.topic == topics.intermediate_recorded
            ]
            return trail.read(record.headers["trail"]).findings[-1].outcome
    raise AssertionError(mine)
