"""An entrance waits the longer the more its batches take; nobody else waits, and nothing is read twice or lost by it.

A partition that brings more than all others waits by itself."""

import asyncio
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from schemas import topics
from schemas.message import Message, Position
from services.runtime.gathering import HALF_LIFE, LONGEST, SOON, TIMES, Brought, Gathering, Part
from services.topology import SERVICES
from tests.simulation.scheduler import scheduled

FULL, WAIT = 100, 0.5


@dataclass
class Answers:
    """A reader that gives what it is told to, of all partitions alike, and notes how it was asked."""

    given: list[int]
    assignments: int = 1
    reassigned: bool = False
    rewound: bool = False
    asked: list[tuple[int, float, bool]] = field(default_factory=list)
    _next: int = 0

    async def read(self, limit: int, wait: float, more: bool = False) -> list[Message]:
        self.asked.append((limit, wait, more))
        if more and self.reassigned:
            self.assignments += 1
        count = self.given.pop(0)
        self._next += count
        return [message(at % 8, at) for at in range(self._next - count, self._next)]

    def rewind(self) -> None:
        self.rewound = True


def message(partition: int, offset: int) -> Message:
    return Message("131016", b"", {}, Position("entering", partition, offset))


def waited(
    entrance: bool, count: int, taken: float, then: Sequence[int], reassigned: bool = False
) -> tuple[float, Answers, list[int]]:
    """Behind a batch of `count` that took so long: seconds until the next is read, how it was asked, and what was read."""
    reader: Any = Answers([count, *then], reassigned=reassigned)

    async def run() -> tuple[float, list[int]]:
        gathering, time = Gathering(reader, entrance, FULL), asyncio.get_running_loop().time
        assert len(await gathering.read(WAIT)) == count
        await asyncio.sleep(taken)
        gathering.done(count)
        began = time()
        batch = await gathering.read(WAIT)
        return time() - began, [one.position.offset for one in batch]

    with scheduled(random.Random(0)) as scheduler:
        seconds, offsets = scheduler.run_until_complete(run())
    return seconds, reader, offsets


@pytest.mark.parametrize(
    ("entrance", "count"), [(False, 20), (True, 1), (True, FULL), (True, 0)], ids=["inside", "lone", "full", "nothing"]
)
def test_who_does_not_wait(entrance: bool, count: int) -> None:
    """Not inside, not behind a lone message, not behind a full batch: the next is asked for at once, and once."""
    seconds, reader, offsets = waited(entrance, count, 0.01, [3])
    assert seconds == 0
    assert reader.asked == [(FULL, WAIT, False)] * 2
    assert offsets == [count, count + 1, count + 2]


@pytest.mark.parametrize(("taken", "pause"), [(0.002, 0.002 * TIMES), (0.01, 0.01 * TIMES), (5.0, LONGEST)])
def test_an_entrance_waits_by_what_its_batch_took(taken: float, pause: float) -> None:
    """A multiple of it, up to a limit."""
    seconds, _, _ = waited(True, 2, taken, [5, 0])
    assert seconds == pytest.approx(pause)


def test_all_that_came_meanwhile_is_one_batch() -> None:
    """The client's first answer and its second, which it is asked for only a moment and only up to a full batch."""
    _, reader, offsets = waited(True, 2, 0.01, [1, 7])
    assert reader.asked[1:] == [(FULL, WAIT, False), (FULL - 1, SOON, True)]
    assert offsets == list(range(2, 10))


@pytest.mark.parametrize("first", [0, FULL])
def test_nothing_and_a_full_batch_need_no_second_answer(first: int) -> None:
    """It is asked once."""
    _, reader, offsets = waited(True, 2, 0.01, [first])
    assert (len(reader.asked), len(offsets)) == (2, first)


def test_an_assignment_between_two_answers_begins_anew() -> None:
    """Neither goes on: what the first had would be overtaken, and all of it is read again."""
    _, reader, offsets = waited(True, 2, 0.01, [4, 6], reassigned=True)
    assert (offsets, reader.rewound) == ([], True)


FLOOD, OTHER = 5, 3
"""Two partitions."""
TAKEN = 0.02
"""Seconds that a batch takes."""


@dataclass
class Arrivals:
    """A reader to which messages come at their times: (seconds, partition), ascending.

    It is told of what is held, or a rebalance would not wait for it."""

    due: list[tuple[float, int]]
    assignments: int = 1
    lost_at: float | None = None
    """When the partitions are assigned anew, and all is read again."""
    entered: int = 0
    """How many have come out, counted from the assignment."""
    _next: int = 0

    async def read(self, limit: int, wait: float, more: bool = False) -> list[Message]:
        now = asyncio.get_running_loop().time
        assert more or self._next == self.entered
        due = self.due[self._next][0] if self._next < len(self.due) else math.inf
        if due > now():
            await asyncio.sleep(min(due - now(), wait))
        if self.lost_at is not None and now() >= self.lost_at:
            self.assignments, self._next, self.entered, self.lost_at = self.assignments + 1, 0, 0, None
        first = self._next
        while self._next < len(self.due) and self.due[self._next][0] <= now() and self._next - first < limit:
            self._next += 1
        return [message(self.due[at][1], at) for at in range(first, self._next)]

    def rewind(self) -> None:
        """Nothing is done since the assignment."""
        self._next = self.entered = 0


def entered(reader: Any, *, stuck_at: float = math.inf) -> list[tuple[float, list[int]]]:
    """What enters, batch by batch: when it is done, and its offsets. From `stuck_at` on every batch is added to."""

    async def run() -> list[tuple[float, list[int]]]:
        gathering, time = Gathering(reader, True, FULL), asyncio.get_running_loop().time
        found: list[tuple[float, list[int]]] = []
        while time() < reader.due[-1][0] + 2:
            batch = await gathering.read(WAIT)
            if not batch:
                continue
            if time() >= stuck_at:
                await asyncio.sleep(TAKEN)
                batch += await gathering.more()
            reader.entered += len(batch)
            await asyncio.sleep(TAKEN)
            found.append((time(), [one.position.offset for one in batch]))
            gathering.done(len(batch))
        return found

    with scheduled(random.Random(0)) as scheduler:
        return scheduler.run_until_complete(run())


def flood(seconds: float, rate: float) -> list[tuple[float, int]]:
    return [(number / rate, FLOOD) for number in range(round(seconds * rate))]


def in_order(found: Sequence[tuple[float, list[int]]], due: Sequence[tuple[float, int]]) -> bool:
    """Whether each partition's messages enter as they came, each once."""
    offsets = [offset for _, batch in found for offset in batch]
    return all(
        [at for at in offsets if due[at][1] == partition] == [at for at, (_, own) in enumerate(due) if own == partition]
        for partition in (FLOOD, OTHER)
    )


def test_a_flood_is_gathered_and_another_passes() -> None:
    """What comes hundreds of times in one partition enters a few times a second; what comes in another waits for a batch
    in hand at most."""
    due = sorted([*flood(5, 100), *((1.0 + number / 3.1, OTHER) for number in range(12))])
    found = entered(Arrivals(due))
    done = {offset: at for at, batch in found for offset in batch}
    waits = [done[at] - when for at, (when, partition) in enumerate(due) if partition == OTHER]
    assert max(waits) < 3 * TAKEN
    floods = [len(batch) for at, batch in found if at > 1 and any(due[offset][1] == FLOOD for offset in batch)]
    assert sorted(floods)[len(floods) // 2] > 100 * TIMES * TAKEN * 0.8
    assert in_order(found, due)


def test_a_flood_of_half_a_batch_does_not_wait() -> None:
    """It enters as fast as it is done, and no batch is larger than a full one."""
    due = flood(3, 2000)
    found = entered(Arrivals(due))
    assert max(len(batch) for _, batch in found) <= FULL
    assert in_order(found, due)


def test_each_waits_by_its_part_of_the_batch() -> None:
    """Half of it: half the pause."""
    part = Part(5)
    part.done(10, 0.01, 1.0)
    assert part.due == pytest.approx(1.0 + TIMES * 0.01 / 2)


def test_a_flood_is_over_once_it_has_faded() -> None:
    """A hundred of eight half-lives ago are fewer than two of now."""

    async def run() -> list[int | None]:
        brought = Brought()
        brought.note([message(FLOOD, at) for at in range(100)])
        before = brought.most()
        await asyncio.sleep(8 * HALF_LIFE)
        brought.note([message(OTHER, at) for at in range(2)])
        return [before, brought.most()]

    with scheduled(random.Random(0)) as scheduler:
        assert scheduler.run_until_complete(run()) == [FLOOD, OTHER]


def test_what_is_held_comes_before_what_is_added() -> None:
    """A batch that cannot be done is added to, in order."""
    due = sorted([*flood(3, 100), *((1.0 + number / 3.1, OTHER) for number in range(6))])
    assert in_order(entered(Arrivals(due), stuck_at=1.5), due)


def test_what_is_held_is_read_again_after_an_assignment() -> None:
    """All is read again, and what was held until then enters once with it."""
    due = sorted([*flood(1.2, 100), *((1.0 + number / 31, OTHER) for number in range(6))])
    lost_at = 1.15
    found = entered(Arrivals(due, lost_at=lost_at))
    assert in_order([one for one in found if one[0] > lost_at + TAKEN - 1e-9], due)


def test_work_enters_by_one_topic() -> None:
    """Business systems post to `outbound.requested`, and its reader gathers."""
    assert [(one.name, list(one.gathers)) for one in SERVICES if one.gathers] == [
        ("exchange", [topics.outbound_requested])
    ]
