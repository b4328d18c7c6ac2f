"""A request that had to be set aside tells its asker `internal_error`, if it is known who asked; nobody else anything."""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Final

import pytest

from schemas import topics
from schemas.message import Drop, Emit, Message, Outcome, Position
from schemas.request import Posted
from schemas.trail import read as read_trail
from services.exchange import service
from services.exchange.service import Exchange
from services.operator.demo import ASKER
from tests import site as sites
from tests.site import RESIDENTS, Site, inquiry

APPLICANT, OTHER = RESIDENTS[:2]
REFUSED: Final = {"code": "internal_error", "rule": "set aside for the operator"}
RETRY: Final = {b"renkei.exchange.refused": "new_id", b"renkei.request.refused": "same_id"}
"""By type of the event: a request that was not accepted has not used up its id."""


@pytest.fixture
async def exchange(site: Site) -> AsyncIterator[Exchange]:
    """Its steps, called beside the running service."""
    async with sites.steps(site) as opened:
        yield opened


async def test_a_request_that_was_never_accepted(site: Site, exchange: Exchange) -> None:
    """An event of this request: nothing is stored, and the same record is accepted when it comes again."""
    message = posted(site, inquiry(APPLICANT))
    told, found = ended(site, await service.aside([message], exchange))
    assert told.headers["ce_type"] == b"renkei.request.refused"
    assert told.headers["ce_id"] == f"{sites.ended_by(site, told).exchange}/{message.position}".encode()
    assert (told.key, found) == (ASKER, "internal_error")
    assert sites.rows(site, "SELECT FROM exchange.exchanges WHERE id = %s", sites.ended_by(site, told).exchange) == []
    assert sites.rows(site, "SELECT FROM exchange.decisions WHERE id = %s", sites.ended_by(site, told).exchange) == []
    [accepted] = await service.accept([message], exchange)
    assert isinstance(accepted, Emit)
    assert accepted.topic == topics.outbound_composed


async def test_a_request_that_was_accepted(site: Site, exchange: Exchange) -> None:
    """Its exchange ends, as its asker is shown too."""
    message = posted(site, inquiry(APPLICANT))
    [accepted] = await service.accept([message], exchange)
    assert isinstance(accepted, Emit)
    told, found = ended(site, await service.aside([message], exchange))
    assert told.headers["ce_type"] == b"renkei.exchange.refused"
    assert told.headers["ce_id"] == f"{sites.ended_by(site, told).exchange}/0".encode()
    assert (sites.ended_by(site, told), found) == (accepted.message.control, "internal_error")
    state = "SELECT state FROM exchange.exchanges WHERE id = %s"
    assert sites.rows(site, state, sites.ended_by(site, told).exchange) == [("refused",)]


@pytest.mark.parametrize("accepted", [False, True], ids=["never accepted", "accepted"])
async def test_a_redelivery_is_told_again(site: Site, exchange: Exchange, accepted: bool) -> None:
    """The same event, whose copies readers drop."""
    message = posted(site, inquiry(APPLICANT))
    if accepted:
        await service.accept([message], exchange)
    first, again = [ended(site, await service.aside([message], exchange)) for _ in range(2)]
    assert sites.ended_by(site, again[0]) == sites.ended_by(site, first[0])
    assert {name: data for name, data in again[0].headers.items() if name.startswith("ce_")} == {
        name: data for name, data in first[0].headers.items() if name.startswith("ce_")
    }


async def test_another_request_under_its_id_ends_nothing(site: Site, exchange: Exchange) -> None:
    """The exchange that had the id first stays open; the other request is told for itself."""
    first = posted(site, inquiry(APPLICANT))
    await service.accept([first], exchange)
    other = posted(site, inquiry(OTHER, exchange=first.headers["ce_id"].decode()))
    told, _ = ended(site, await service.aside([other], exchange))
    assert told.headers["ce_type"] == b"renkei.request.refused"
    assert sites.rows(
        site, "SELECT state FROM exchange.exchanges WHERE id = %s", sites.ended_by(site, told).exchange
    ) == [("open",)]


async def test_an_exchange_that_has_ended_stays_as_it_is(site: Site, exchange: Exchange) -> None:
    """Its asker has been told already."""
    asked = inquiry(APPLICANT)
    assert sites.answers(await sites.ask(site, asked), APPLICANT)
    message = posted(site, asked)
    assert await service.aside([message], exchange) == [Drop(message.position, "aside")]
    assert (await sites.ask(site, asked)).state == "answered"


async def test_nobody_is_told_of_anything_else(site: Site, exchange: Exchange) -> None:
    """Without its assertion, for another agency, unreadable, or from another topic: each has its outcome, and no more."""
    good = posted(site, inquiry(APPLICANT))
    elsewhere = Position(topics.inbound_answered.name, 0, 1)
    others = [
        replace(good, headers={**good.headers, "assertion": b""}),
        replace(posted(site, inquiry(APPLICANT)), key="999903"),
        replace(posted(site, inquiry(APPLICANT)), value=b"\xff", headers={}),
        replace(good, position=elsewhere),
    ]
    assert await service.aside(others, exchange) == [Drop(message.position, "aside") for message in others]


# --- what the tests say


def posted(site: Site, asked: Posted) -> Message:
    """A request as the loop reads it, at a place of its own."""
    found = sites.record(site, asked)
    position = Position(topics.outbound_requested.name, 0, time.time_ns())
    return Message(found.key, found.value, found.headers, position, str(position), int(time.time() * 1000))


def ended(site: Site, outcomes: Sequence[Outcome]) -> tuple[Message, str]:
    """The one event for the asker, which says `internal_error`, and what the ledger is told with it."""
    told, record = outcomes
    assert isinstance(told, Emit)
    assert isinstance(record, Emit)
    assert (told.topic, record.topic) == (topics.exchange_completed, topics.intermediate_recorded)
    said = sites.clear(site, told.message)
    assert {name: said[name] for name in REFUSED} == REFUSED
    assert said["retry"] == RETRY[told.message.headers["ce_type"]]
    assert record.message.value == b""
    return told.message, read_trail(record.message.headers["trail"]).findings[-1].outcome
