"""A request that was answered 202 is published, and its id stands for it from then on."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from schemas.request import Posted
from services.gateway import examples
from services.gateway.application import application
from services.runtime.rest import AtRest
from tests.gateway import BESIDE, ELSEWHERE, NEIGHBOUR, NOW, World, asserted, inquiry, is_problem

FIRST = inquiry()
OTHERS = [inquiry(year=2025), inquiry(number="SYN0000002"), inquiry(receiver="131016")]
another = pytest.mark.parametrize("second", OTHERS, ids=["another year", "another person", "another receiver"])


def is_accepted(response: httpx.Response) -> None:
    assert response.status_code == 202, response.text
    assert response.headers["location"] == f"/v1/exchanges/{examples.ID}"
    assert response.json() == {"exchange": examples.ID, "state": "requested"}


def said(world: World) -> list[tuple[bytes, bytes, bytes]]:
    """What was published."""
    return [(one.headers["control"], one.headers["subject"], one.value) for one in world.published()]


def as_published(posted: Posted) -> tuple[bytes, bytes, bytes]:
    return posted.control, posted.number, posted.business


async def test_what_is_accepted_is_published() -> None:
    """Under the asker's code, with its assertion, as a producer writes it; Location leads to its page."""
    world, token = World(), asserted(FIRST)
    is_accepted(await world.post(FIRST, token))
    [record] = world.published()
    assert said(world) == [as_published(FIRST)]
    assert (record.key, record.headers["assertion"]) == (FIRST.question.sender, token.encode())
    assert record.headers["ce_id"] == examples.ID.encode()


async def test_the_same_again_has_the_same_answer() -> None:
    """Until it is accepted it is published again, since the first may be dropped for its assertion; then no more."""
    world = World()
    is_accepted(await world.post(FIRST))
    is_accepted(await world.post(FIRST, asserted(FIRST, expires=int(NOW.timestamp()) + 9)))
    assert said(world) == [as_published(FIRST)] * 2
    world.accept(FIRST)
    is_accepted(await world.post(FIRST))
    assert len(world.published()) == 2


@another
async def test_the_id_is_not_used_for_anything_else_at_once(second: Posted) -> None:
    """Although exchange has not seen the first yet."""
    world = World()
    is_accepted(await world.post(FIRST))
    is_problem(await world.post(second), 409, "id_reused")
    assert said(world) == [as_published(FIRST)]


@another
async def test_the_id_is_not_used_for_anything_else_later(second: Posted) -> None:
    """Whoever asks, whichever way the first came: what exchange has accepted counts, also after a new start."""
    world = World()
    world.accept(FIRST)
    is_problem(await world.post(second), 409, "id_reused")
    assert world.published() == []


async def test_an_id_is_an_agencys_own() -> None:
    """Two agencies that use one id do not meet."""
    world = World()
    is_accepted(await world.post(FIRST))
    is_accepted(await world.post(inquiry(sender=NEIGHBOUR, receiver=ELSEWHERE)))


async def test_an_id_is_a_posting_systems_own() -> None:
    """The same request by another system of the agency is other content: its asker could not read the answer."""
    world = World()
    is_accepted(await world.post(FIRST))
    is_problem(await world.post(FIRST, asserted(FIRST, by=BESIDE)), 409, "id_reused")
    world.accept(FIRST)
    is_problem(await world.post(FIRST, asserted(FIRST, by=BESIDE)), 409, "id_reused")
    assert len(world.published()) == 1


async def test_of_what_the_log_did_not_take_nothing_is_remembered() -> None:
    """503, and the id is free for whatever is posted next."""
    world = World()
    world.log.away = True
    response = await world.post(FIRST)
    is_problem(response, 503, "unavailable")
    assert int(response.headers["retry-after"]) > 0
    world.log.away = False
    is_accepted(await world.post(OTHERS[0]))
    assert said(world) == [as_published(OTHERS[0])]


@pytest.mark.parametrize("fails", [False, True], ids=["published", "not published"])
async def test_of_two_at_once_the_second_waits_for_the_first(fails: bool) -> None:
    """It is judged by what became of the first: 409 if that stands in the log, 202 if it does not."""
    world = World()
    world.log.held.clear()
    first = asyncio.create_task(world.post(FIRST))
    await world.log.reached.wait()
    second = asyncio.create_task(world.post(OTHERS[0]))
    for _ in range(100):
        await asyncio.sleep(0)  # as far as it comes
    assert not second.done()
    world.log.away = fails
    world.log.held.set()
    is_accepted(await first) if not fails else is_problem(await first, 503, "unavailable")
    world.log.away = False
    is_problem(await second, 409, "id_reused") if not fails else is_accepted(await second)
    assert len(world.published()) == 1


async def test_without_the_view_nothing_is_published() -> None:
    """Whether the id is free is not known then."""
    world = World()
    world.tables.away = True
    response = await world.post(FIRST)
    is_problem(response, 503, "unavailable")
    assert "retry-after" in response.headers
    assert world.published() == []


async def test_a_database_that_hangs_is_not_waited_for() -> None:
    """Neither until it answers nor until its driver has taken leave of it."""
    world = World(database_seconds=0.05)
    world.tables.silent = True
    is_problem(await world.post(FIRST), 503, "unavailable")
    assert world.published() == []


async def test_a_silent_directory_closes_the_gateway() -> None:
    """It may lack a revocation."""
    world = World(beat=NOW - timedelta(minutes=6))
    is_problem(await world.post(FIRST), 503, "unavailable")
    assert (world.published(), world.tables.asked) == ([], 0)


async def test_an_agency_of_another_site_is_not_served() -> None:
    """However good its assertion."""
    world = World()
    is_problem(await world.post(inquiry(sender=ELSEWHERE)), 403, "not_served")
    assert (world.published(), world.tables.asked) == ([], 0)


async def test_a_key_that_is_missing_is_the_operators_to_mend() -> None:
    """A ring without a data key of today is no defect of the gateway."""
    world = World()
    late = AtRest(world.gateway.rest.keys, lambda: NOW + timedelta(days=100 * 365))
    world.application = application(replace(world.gateway, rest=late))
    is_problem(await world.post(FIRST), 503, "unavailable")
    assert world.published() == []
