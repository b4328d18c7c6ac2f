"""When the topics of a block are skipped: once nothing is left of any that might be overtaken."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from types import SimpleNamespace
from typing import cast

import pytest

from schemas.message import Message
from schemas.topics import Topic
from services.runtime import shortcut as shortcuts
from services.runtime.attempts import LEFT
from services.runtime.chain import Chain, Stage
from services.runtime.log import Reader
from services.runtime.memory import MemoryLog
from services.runtime.metrics import Metrics
from services.runtime.shortcut import Shortcut
from tests.loops import ENTERING, INSIDE, LEAVING, carry, clock, service

ASKED, NEXT = Topic("asked", "", partitions=3), Topic("next", "", partitions=3)
FIRST = service("first", ENTERING, ASKED)
FOLLOWING = {
    ASKED: service("second", ASKED, INSIDE),
    INSIDE: service("third", INSIDE, NEXT),
    NEXT: service("fourth", NEXT, LEAVING),
}
READER = cast(Reader, SimpleNamespace(assignments=1))
"""Of the first service."""


@dataclass
class Ordered(Chain):
    """Of several ways through a block the order in which its topics are looked at is right for one at most."""

    order: Sequence[Topic] = ()

    def onward(self, stage: Stage) -> list[Topic]:
        return list(self.order)


@dataclass
class Working(MemoryLog):
    """What is left inside is carried to the next topic, and done, when the log is asked for the so-and-so-manieth time."""

    due: int = -1

    async def ends(self, topic: Topic) -> dict[int, int]:
        self.due -= 1
        if self.due == 0:
            await self.carry(INSIDE, NEXT)
        return await super().ends(topic)

    async def carry(self, topic: Topic, onward: Topic) -> None:
        for message in self.all(topic):
            await self.publish([(onward, Message(message.key, message.value, {}))])
        await self.finish(topic)

    async def finish(self, topic: Topic) -> None:
        for number, end in (await super().ends(topic)).items():
            self.commit(FOLLOWING[topic].group(topic), topic, number, end, LEFT)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortcuts, "LOOK_EVERY", 0.0)


async def left_in(topic: Topic, due: int = -1) -> Working:
    """A log with a message in one topic."""
    log = Working(clock, due=due)
    await log.publish([(topic, Message("131016", b"left", {}))])
    return log


def shortcut(log: MemoryLog, order: Sequence[Topic]) -> Shortcut:
    skipped = {topic: [Stage(one, topic, carry, None)] for topic, one in FOLLOWING.items()}
    return Shortcut(Stage(FIRST, ENTERING, carry, ASKED), Ordered(set(), skipped, Metrics(), order=order), log)


TWO = list(permutations([INSIDE, NEXT]))
THREE = list(permutations([ASKED, INSIDE, NEXT]))


@pytest.mark.parametrize("order", TWO)
async def test_what_went_on_to_a_skipped_topic_is_not_overtaken(order: Sequence[Topic]) -> None:
    """While something was left inside, the next topic was empty, and skipped; then that which was left has come there."""
    log = await left_in(INSIDE)
    own = shortcut(log, order)
    assert list(await own.topics(READER)) == [NEXT]
    await log.carry(INSIDE, NEXT)
    assert list(await own.topics(READER)) == [INSIDE]
    await log.finish(NEXT)
    assert set(await own.topics(READER)) == {INSIDE, NEXT}


@pytest.mark.parametrize("order", TWO)
@pytest.mark.parametrize("due", range(1, 8))
async def test_what_goes_on_during_a_look_is_not_overtaken(order: Sequence[Topic], due: int) -> None:
    """Whenever it goes on: both are skipped only once nothing is left of either."""
    log = await left_in(INSIDE, due)
    own = shortcut(log, order)
    while log.due > 0:
        skipping = await own.topics(READER)
    assert not {INSIDE, NEXT} <= set(skipping)
    await log.finish(NEXT)
    assert set(await own.topics(READER)) == {INSIDE, NEXT}


@pytest.mark.parametrize("order", THREE)
@pytest.mark.parametrize("due", range(1, 10))
async def test_nor_on_its_way_through_what_was_skipped_before(order: Sequence[Topic], due: int) -> None:
    """It was left in the first of three, went on to the second, which is skipped, and during the look to the third."""
    log = await left_in(ASKED)
    own = shortcut(log, order)
    assert set(await own.topics(READER)) == {INSIDE, NEXT}
    await log.carry(ASKED, INSIDE)
    log.due = due
    while log.due > 0:
        skipping = await own.topics(READER)
    assert not {ASKED, INSIDE, NEXT} <= set(skipping)
    await log.finish(NEXT)
    assert set(await own.topics(READER)) == {ASKED, INSIDE, NEXT}


async def test_it_is_judged_anew_with_each_assignment() -> None:
    """Others may have had the partition meanwhile, and left something in between."""
    log = Working(clock)
    own = shortcut(log, [INSIDE, NEXT])
    assert set(await own.topics(READER)) == {INSIDE, NEXT}
    await log.publish([(INSIDE, Message("131016", b"left", {}))])
    assert set(await own.topics(READER)) == {INSIDE, NEXT}
    assert INSIDE not in await own.topics(cast(Reader, SimpleNamespace(assignments=2)))
