"""Where two transactions meet: tables in memory and PostgreSQL let them wait, see and fail alike."""

import asyncio
import random
import uuid
from typing import Any

import pytest

from services.exchange import store as exchange
from services.runtime import decisions
from services.runtime.decisions import Decided
from services.runtime.errors import Misconfigured, Unavailable
from tests.simulation.ground import AGENCIES
from tests.simulation.operations import Drawing

A, B, _ = AGENCIES
EXPIRES = "2026-12-01T09:00:00.123Z"


def proposal(agency: str, number: int = 1, note: str = "first") -> Decided:
    return Decided((agency, "accept", agency, str(uuid.UUID(int=number))), b"a", "x", "done", note, EXPIRES)


async def settled(database: Any, *proposals: Decided) -> list[Decided]:
    async with database.transaction({one.place[0] for one in proposals}) as connection:
        return await decisions.settle(connection, proposals)


async def begun(task: "asyncio.Task[Any]") -> None:
    """Long enough that it would have ended, were it not waiting."""
    await asyncio.wait([task], timeout=0.2)
    assert not task.done()


async def test_who_inserts_second_waits(tables: Any) -> None:
    """Until the first commits, and then finds its row."""
    async with tables.transaction([A]) as connection:
        await decisions.settle(connection, [proposal(A)])
        waiting = asyncio.create_task(settled(tables, proposal(A, note="second")))
        await begun(waiting)
    assert [one.note for one in await waiting] == ["first"]


async def test_who_inserts_after_a_rollback_is_first(tables: Any) -> None:
    """The row of a transaction that gave up was never there."""
    waiting: list[asyncio.Task[list[Decided]]] = []

    async def give_up() -> None:
        async with tables.transaction([A]) as connection:
            await decisions.settle(connection, [proposal(A)])
            waiting.append(asyncio.create_task(settled(tables, proposal(A, note="second"))))
            await begun(waiting[0])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await give_up()
    assert [one.note for one in await waiting[0]] == ["second"]


async def test_nobody_sees_what_is_not_committed(tables: Any) -> None:
    """Another transaction reads the rows as they were, without waiting; afterwards as they are (READ COMMITTED)."""
    wanted = [proposal(A).place]
    async with tables.transaction([A]) as reading:
        async with tables.transaction([A]) as connection:
            await decisions.settle(connection, [proposal(A)])
            assert await decisions.recall(reading, wanted) == {}
        assert (await decisions.recall(reading, wanted)).keys() == {*wanted}


async def open_one(database: Any, agency: str = A) -> exchange.Exchange:
    control = Drawing(random.Random(1), [agency]).control()
    async with database.transaction([agency]) as connection:
        await exchange.open_exchanges(connection, [exchange.Asked(control, b"p")])
    return (agency, control.id)


def finished(place: exchange.Exchange) -> exchange.Finished:
    return exchange.Finished(place, "answered", EXPIRES, b"c", b"v", "k")


async def test_a_locked_row_is_read_again(tables: Any) -> None:
    """FOR UPDATE waits for whoever has locked the row, and returns it as that one has left it."""
    place = await open_one(tables)

    async def state() -> str:
        async with tables.transaction([A]) as connection:
            return (await exchange.standing(connection, [place]))[place].state

    async with tables.transaction([A]) as connection:
        await exchange.standing(connection, [place])
        waiting = asyncio.create_task(state())
        await begun(waiting)
        await exchange.finish(connection, [finished(place)])
    assert await waiting == "answered"


async def test_a_condition_is_judged_again(tables: Any) -> None:
    """Of two transitions out of `open`, the second waits and makes none."""
    place = await open_one(tables)

    async def second() -> set[exchange.Exchange]:
        async with tables.transaction([A]) as connection:
            return await exchange.finish(connection, [finished(place)])

    async with tables.transaction([A]) as connection:
        assert await exchange.finish(connection, [finished(place)]) == {place}
        waiting = asyncio.create_task(second())
        await begun(waiting)
    assert await waiting == set()


async def test_an_uncommitted_row_is_not_locked(tables: Any) -> None:
    """FOR UPDATE does not wait for a row that was not there when the statement began."""
    async with tables.transaction([A]) as connection:
        control = Drawing(random.Random(1), [A]).control()
        await exchange.open_exchanges(connection, [exchange.Asked(control, b"p")])
        async with tables.transaction([A]) as other:
            assert await exchange.standing(other, [(A, control.id)]) == {}


async def test_a_circle_ends(tables: Any) -> None:
    """Two that wait for each other: one of them is told, the other goes on."""
    met = asyncio.Barrier(2)

    async def both(first: Decided, second: Decided) -> None:
        async with tables.transaction([A]) as connection:
            await decisions.settle(connection, [first])
            await met.wait()
            await decisions.settle(connection, [second])

    one, two = proposal(A, 1), proposal(A, 2)
    results = await asyncio.gather(both(one, two), both(two, one), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["NoneType", "Unavailable"]
    assert any(isinstance(result, Unavailable) for result in results)


async def test_another_agencys_row_is_not_written(tables: Any) -> None:
    """A transaction that has not named the agency is refused, and leaves nothing behind."""
    with pytest.raises(Misconfigured):
        async with tables.transaction([A]) as connection:
            await decisions.settle(connection, [proposal(A), proposal(B)])
    async with tables.transaction([A, B]) as connection:
        assert await decisions.recall(connection, [proposal(A).place]) == {}
