"""An entrance waits the longer the more its batches take; nobody else waits, and nothing is read twice or lost by it."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from schemas import topics
from schemas.message import Message, Position
from services.runtime.gathering import LONGEST, SOON, TIMES, Gathering
from services.topology import SERVICES
from tests.simulation.scheduler import scheduled

FULL, WAIT = 100, 0.5


@dataclass
class Answers:
    """A reader that gives what it is told to, and notes how it was asked."""

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


def test_work_enters_by_one_topic() -> None:
    """Business systems post to `outbound.requested`, and its reader gathers."""
    assert [(one.name, list(one.gathers)) for one in SERVICES if one.gathers] == [
        ("exchange", [topics.outbound_requested])
    ]
