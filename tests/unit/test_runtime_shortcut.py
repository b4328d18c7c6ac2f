"""When the topics of a block are skipped: once nothing is left of any that might be overtaken."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

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

ASKED, NEXT, LAST = (Topic(name, "", partitions=3) for name in ("asked", "next", "last"))
FIRST = service("first", ENTERING, ASKED)
FOLLOWING = {
    ASKED: service("second", ASKED, INSIDE),
    INSIDE: service("third", INSIDE, NEXT),
    NEXT: service("fourth", NEXT, LAST),
    LAST: service("fifth", LAST, LEAVING),
}
WAY = list(FOLLOWING)
"""The order in which a message passes the topics."""
LOOKS = 10
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
    """Each time that the log is asked, what is left in some topic is carried to the next one, and done there; or nothing is."""

    work: list[int] = field(default_factory=list)

    async def ends(self, topic: Topic) -> dict[int, int]:
        place = self.work.pop(0) if self.work else -1
        if place >= 0:
            await self.carry(WAY[place])
        return await super().ends(topic)

    async def carry(self, topic: Topic) -> None:
        onward = [*WAY, LEAVING][WAY.index(topic) + 1]
        for message in await self.left(topic):
            await self.publish([(onward, Message(message.key, message.value, {}))])
        await self.finish(topic)

    async def left(self, topic: Topic) -> list[Message]:
        done = await self.committed(FOLLOWING[topic].group(topic), topic)
        return [message for message in self.all(topic) if message.position.offset >= done[message.position.partition]]

    async def finish(self, topic: Topic) -> None:
        for number, end in (await super().ends(topic)).items():
            self.commit(FOLLOWING[topic].group(topic), topic, number, end, LEFT)


@pytest.fixture(autouse=True, scope="module")
def impatient() -> Iterator[None]:
    """It looks every time."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(shortcuts, "LOOK_EVERY", 0.0)
        yield


async def left_in(*topics: Topic, work: Sequence[int] = ()) -> Working:
    """A log with a message in each of these topics."""
    log = Working(clock, work=list(work))
    for topic in topics:
        await log.publish([(topic, Message("131016", b"left", {}))])
    return log


def shortcut(log: MemoryLog, order: Sequence[Topic]) -> Shortcut:
    skipped = {topic: [Stage(one, topic, carry, None)] for topic, one in FOLLOWING.items()}
    return Shortcut(Stage(FIRST, ENTERING, carry, ASKED), Ordered(set(), skipped, Metrics(), order=order), log)


@pytest.mark.parametrize("order", [[INSIDE, NEXT], [NEXT, INSIDE]])
async def test_what_went_on_to_a_skipped_topic_is_not_overtaken(order: Sequence[Topic]) -> None:
    """While something was left inside, the next topic was empty, and skipped; then that which was left has come there."""
    log = await left_in(INSIDE)
    own = shortcut(log, order)
    assert list(await own.topics(READER)) == [NEXT]
    await log.carry(INSIDE)
    assert list(await own.topics(READER)) == [INSIDE]
    await log.finish(NEXT)
    assert set(await own.topics(READER)) == {INSIDE, NEXT}


@settings(max_examples=200)
@given(
    order=st.permutations(WAY),
    left=st.sets(st.sampled_from(WAY), min_size=1),
    work=st.lists(st.integers(-1, len(WAY) - 1), max_size=60),
)
@example(order=WAY[::-1], left={ASKED}, work=[*[-1] * 13, 0, -1, -1, 1, -1, -1, 2])  # a topic at each of three looks
async def test_nothing_is_overtaken(order: list[Topic], left: set[Topic], work: list[int]) -> None:
    """Whatever is left where, goes on whenever, and is looked for in whichever order: of the topics that a message now passes
    without the log, from the first on, nothing is left in any. In the end, all are passed."""
    log = await left_in(*left, work=work)
    own = shortcut(log, order)
    for _ in range(LOOKS):
        skipping = await own.topics(READER)
        passed = list(takewhile(lambda topic: topic in skipping, WAY))  # noqa: B023  # used at once
        assert [topic for topic in passed if await log.left(topic)] == []
    log.work = []
    for topic in WAY:
        await log.carry(topic)
    assert set(await own.topics(READER)) == set(WAY)


async def test_it_is_judged_anew_with_each_assignment() -> None:
    """Others may have had the partition meanwhile, and left something in between."""
    log = Working(clock)
    own = shortcut(log, [INSIDE, NEXT])
    assert set(await own.topics(READER)) == {INSIDE, NEXT}
    await log.publish([(INSIDE, Message("131016", b"left", {}))])
    assert set(await own.topics(READER)) == {INSIDE, NEXT}
    assert INSIDE not in await own.topics(cast(Reader, SimpleNamespace(assignments=2)))
