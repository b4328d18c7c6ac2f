"""A decision is made once, whoever comes first; what stands is the same for everybody who comes later."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.runtime.decisions import Decided, Place, recall, relation, settle
from services.runtime.postgres import Database
from tests.dummy.tables import tables

TOKYO, OSAKA = "131016", "271004"
EXPIRES = "2026-12-01T09:00:00.123Z"


@pytest.fixture
async def database(tmp_path: Path, postgres: str) -> AsyncIterator[Database]:
    async with tables(tmp_path, postgres) as opened:
        yield opened


def place(agency: str = TOKYO) -> Place:
    """One that nobody has used."""
    return (agency, "second", OSAKA, str(uuid.uuid4()))


def proposal(
    where: Place | None = None, source: str = "entering/0/1", digest: bytes = b"a", note: str = "1"
) -> Decided:
    return Decided(where or place(), digest, source, "done", note, EXPIRES)


async def settled(database: Database, *proposals: Decided) -> list[Decided]:
    async with database.transaction(one.place[0] for one in proposals) as connection:
        return await settle(connection, proposals)


async def test_the_first_stands(database: Database) -> None:
    """It is kept whole: digest, source, verdict, note, and the time to the millisecond."""
    first = proposal()
    [standing] = await settled(database, first)
    assert standing is first
    assert relation(standing, first) == "first"
    async with database.transaction([TOKYO]) as connection:
        assert await recall(connection, [first.place, place()]) == {first.place: first}


async def test_what_comes_later_is_known_for_what_it_is(database: Database) -> None:
    """The same source again; a copy from elsewhere; other content under the same id. Each gets what stands."""
    first = proposal()
    await settled(database, first)
    again = replace(first, note="2")
    copy = replace(first, note="3", source="entering/0/2")
    reused = replace(copy, digest=b"b")
    standing = await settled(database, again, copy, reused)
    assert standing == [first] * 3
    related = [relation(one, other) for one, other in zip(standing, (again, copy, reused), strict=True)]
    assert related == ["again", "copy", "reused"]


async def test_a_redelivery_within_a_batch(database: Database) -> None:
    """Of equal messages in one batch the first decides; the others are again, copy or reused."""
    first = proposal()
    others = [replace(first, note="2"), replace(first, source="entering/0/2"), replace(first, source="x", digest=b"b")]
    standing = await settled(database, first, *others)
    assert [relation(one, other) for one, other in zip(standing, [first, *others], strict=True)] == [
        "first",
        "again",
        "copy",
        "reused",
    ]
    assert all(one is first for one in standing)


@pytest.mark.parametrize("field", range(4))
async def test_each_part_of_the_place_counts(database: Database, field: int) -> None:
    """Another agency, step, sender or id is another decision."""
    first = proposal()
    parts = list(first.place)
    parts[field] = [OSAKA, "finish", TOKYO, str(uuid.uuid4())][field]
    other = replace(first, place=(parts[0], parts[1], parts[2], parts[3]), digest=b"b")
    standing = await settled(database, first, other)
    assert (standing[0] is first, standing[1] is other) == (True, True)


async def test_nothing_settles_nothing(database: Database) -> None:
    """An empty batch needs no row and no statement."""
    assert await settled(database) == []
    async with database.transaction([TOKYO]) as connection:
        assert await recall(connection, []) == {}


# --- Two at once


async def test_who_comes_second_waits_for_the_first(database: Database) -> None:
    """Two transactions propose at one place: the second sees what the first has committed, not its own proposal."""
    first, second = (proposal(where, note=note) for where in [place()] for note in ("first", "second"))
    async with database.transaction([TOKYO]) as connection:
        [standing] = await settle(connection, [first])
        assert standing is first
        waiting = asyncio.create_task(settled(database, second))
        await asyncio.wait([waiting], timeout=0.2)
        assert not waiting.done()
    assert await waiting == [first]


async def test_who_gives_up_decides_nothing(database: Database) -> None:
    """If the first transaction rolls back, the second is the first."""
    first, second = (proposal(where, note=note) for where in [place()] for note in ("first", "second"))
    waiting: list[asyncio.Task[list[Decided]]] = []

    async def give_up() -> None:
        async with database.transaction([TOKYO]) as connection:
            await settle(connection, [first])
            waiting.append(asyncio.create_task(settled(database, second)))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await give_up()
    [[standing]] = [await task for task in waiting]
    assert standing is second


async def test_no_two_batches_wait_in_a_circle(database: Database) -> None:
    """Whatever the order within batches that overlap: none fails, each place has one decision."""
    for _ in range(10):
        places = [place(agency) for agency in (TOKYO, OSAKA) for _ in range(20)]
        batches = [
            [proposal(one, note=str(batch)) for one in order] for batch, order in enumerate((places, places[::-1]))
        ]
        one, two = await asyncio.gather(*(settled(database, *batch) for batch in batches))
        assert one == two[::-1]


# --- Whose rows


async def test_another_agencys_rows_are_invisible(database: Database) -> None:
    """A transaction sees the agencies that it has named, and no others; one that names none sees nothing."""
    mine, other = proposal(place(TOKYO)), proposal(place(OSAKA))
    await settled(database, mine, other)
    for agencies, visible in (
        ([TOKYO], {mine.place}),
        ([OSAKA], {other.place}),
        ([TOKYO, OSAKA], {mine.place, other.place}),
    ):
        async with database.transaction(agencies) as connection:
            assert (await recall(connection, [mine.place, other.place])).keys() == visible
            rows = await connection.fetch("SELECT DISTINCT agency FROM decisions WHERE id = ANY ($1)", ids(mine, other))
            assert {row["agency"] for row in rows} == {agency for agency, *_ in visible}
    async with database.transaction([]) as connection:
        assert await connection.fetchval("SELECT count(*) FROM decisions") == 0


def ids(*decided: Decided) -> list[uuid.UUID]:
    return [uuid.UUID(one.place[3]) for one in decided]
