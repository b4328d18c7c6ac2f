"""A loop commits nothing before what it caused is acknowledged, retries in place, and stops in order."""

import asyncio
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.message import Message, Outcome
from schemas.topics import Topic, record_quarantined
from services.runtime import loop as loops
from services.runtime.attempts import Note
from services.runtime.errors import Misconfigured, Unavailable
from services.runtime.loop import Pause
from services.runtime.memory import MemoryLog
from services.runtime.service import Service
from tests.loops import (
    ENTERING,
    INSIDE,
    KEYS,
    LEAVING,
    Running,
    arrived,
    carry,
    clock,
    done,
    firsts,
    post,
    service,
)
from tests.loops import impatient as impatient  # a fixture
from tests.waiting import until


@dataclass
class Unsteady(MemoryLog):
    """A log whose publishes fail as told: before or after the records stand in it."""

    failing: list[str] = field(default_factory=list)

    async def publish(self, records: Sequence[tuple[Topic, Message]]) -> None:
        how = self.failing.pop(0) if self.failing else ""
        if how == "before":
            raise Unavailable("nothing was published")
        await super().publish(records[: len(records) // 2] if how == "half" else records)
        if how:
            raise Unavailable("nobody knows what was published")


async def test_a_batch_is_done_when_it_is_published() -> None:
    """Then its offsets are committed; /ready is red until the loop has joined, green then."""
    log = MemoryLog(clock)
    run = Running(log)
    first = service("first", ENTERING, LEAVING)
    await post(log, 20)
    async with run.process([first], [first]):
        assert run.condition.waiting == {"first/entering": "joining its group"}
        await until(lambda: done(log, "renkei.first.entering", ENTERING))
        await until(run.condition.ready)
    assert arrived(log, 20)()
    assert len(log.all(LEAVING)) == 60


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["", "before", "after", "half"]), max_size=8), st.integers(1, 12))
async def test_whatever_fails_is_tried_again(failing: list[str], batch: int) -> None:
    """At least once and in order, however often a publish fails, and whether or not it was in the log."""
    log = Unsteady(clock, failing=failing)
    run = Running(log)
    first = service("first", ENTERING, LEAVING)
    await post(log, 10)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(loops, "BATCH", batch)
        async with run.process([first], [first]):
            await until(lambda: done(log, "renkei.first.entering", ENTERING))
    for key in KEYS:
        assert firsts(log.all(LEAVING), key) == list(range(10))


async def test_nothing_is_committed_before_it_is_published() -> None:
    """While a publish fails no offset moves, however long that lasts; /ready says why."""
    log = Unsteady(clock, failing=["before"] * 10_000)
    run = Running(log)
    first = service("first", ENTERING, LEAVING)
    await post(log, 5)
    async with run.process([first], [first]):
        await until(lambda: len(log.failing) < 9_995)
        assert run.condition.waiting == {"first/entering": "nothing was published"}
        assert set((await log.committed("renkei.first.entering", ENTERING)).values()) == {0}
        log.failing.clear()
        await until(arrived(log, 5))
        await until(run.condition.ready)


async def test_no_noted_attempt_outlives_its_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a message that was done would be counted again each time that what comes after it ends the process."""
    monkeypatch.setattr(loops, "time", SimpleNamespace(monotonic=lambda: 0.0))  # no commit falls due
    log, group = MemoryLog(clock), "renkei.first.entering"
    first = service("first", ENTERING, LEAVING)
    for partition in range(ENTERING.partitions):
        log.commit(group, ENTERING, partition, 0, Note("0badcafe"))
    await post(log, 5)
    async with Running(log).process([first], [first]):
        await until(lambda: done(log, group, ENTERING))
        assert not any(log.note(group, ENTERING, partition).attempts for partition in range(ENTERING.partitions))


async def test_a_stop_leaves_what_is_not_done() -> None:
    """Told to stop while a batch fails, a loop ends; whoever comes next reads the batch again."""
    log = Unsteady(clock, failing=["before"] * 10_000)
    first = service("first", ENTERING, LEAVING)
    await post(log, 5)
    run = Running(log)
    async with run.process([first], [first]):
        await until(lambda: run.condition.waiting.get("first/entering") == "nothing was published")
    log.failing.clear()
    async with Running(log).process([first], [first]):
        await until(arrived(log, 5))


async def test_a_bug_stops_reading_and_loses_nothing() -> None:
    """/ready names the error, by type alone; other topics of the process go on; mended, everything is done."""
    broken = True

    async def buggy(batch: Sequence[Message], onward: Any) -> list[Outcome]:
        if broken:
            raise KeyError("太郎")
        return await carry(batch, onward)

    log = MemoryLog(clock)
    run = Running(log)
    around = [service("buggy", ENTERING, LEAVING, buggy), service("sound", INSIDE, Topic("elsewhere", "", 3))]
    await post(log, 5)
    await post(log, 5, topic=INSIDE)
    async with run.process(around, around):
        await until(arrived(log, 5, Topic("elsewhere", "", 3)))
        await until(lambda: run.condition.waiting == {"buggy/entering": "step failed: KeyError"})
        broken = False
        await until(arrived(log, 5))
        await until(run.condition.ready)
    labels = {"service": "buggy", "topic": "entering", "error": "KeyError"}
    assert (run.metrics.registry.get_sample_value("renkei_batch_retries_total", labels) or 0) > 0


async def test_a_batch_that_fails_is_let_go_with_its_partitions() -> None:
    """Others have them now: to go on with it would keep this member from those that it has, and /ready red until one brings
    something."""
    broken, log, group = True, MemoryLog(clock), "renkei.first.entering"

    async def buggy(batch: Sequence[Message], onward: Any) -> list[Outcome]:
        if broken and any(one.position.partition == 2 for one in batch):
            raise KeyError
        return await carry(batch, onward)

    run, first = Running(log), service("first", ENTERING, LEAVING, buggy)
    await log.publish([(ENTERING, Message(key_of(2), b"0", {}))])
    async with run.process([first], [first]):
        await until(lambda: run.condition.waiting == {"first/entering": "step failed: KeyError"})
        async with (
            log.reader(group, ENTERING),
            log.reader(group, ENTERING) as third,
        ):  # of three members one has partition 2
            await until(run.condition.ready)
            assert [one.position.partition for one in await third.read(1, 1)] == [2]
            broken = False
        await until(lambda: done(log, group, ENTERING))
    assert log.all(record_quarantined) == []


def key_of(partition: int) -> str:
    """A key that stands in it."""
    return next(
        str(number) for number in range(100) if zlib.crc32(str(number).encode()) % ENTERING.partitions == partition
    )


async def test_what_is_the_operators_ends_the_process() -> None:
    """No message is retried for a missing migration or key."""

    async def without_key(batch: Sequence[Message], onward: Any) -> list[Outcome]:
        raise Misconfigured("no key ring of agency 131016")

    log = MemoryLog(clock)
    first = service("first", ENTERING, LEAVING, without_key)
    await post(log, 1)
    with pytest.raises(ExceptionGroup) as caught:
        async with Running(log).process([first], [first]):
            await until(lambda: False)
    assert caught.group_contains(Misconfigured, match="131016")


async def test_a_silent_directory_closes_the_service() -> None:
    """A directed service does nothing without a recent beat, and goes on with the next; another needs none."""
    log = MemoryLog(clock)
    run = Running(log)
    directed = service("directed", ENTERING, LEAVING, directed=True)
    await post(log, 3)
    async with run.process([directed], [directed]):
        await until(lambda: "no beat of the hub" in run.condition.waiting.get("directed/entering", ""))
        assert log.all(LEAVING) == []
        run.directory.complete = clock()
        await until(arrived(log, 3))


# --- Skipping


@pytest.fixture
def block() -> list[Service]:
    return [service("first", ENTERING, INSIDE), service("second", INSIDE, LEAVING)]


async def test_a_block_skips_what_is_inside(block: list[Service]) -> None:
    """Nothing is written to a topic whose readers all run here."""
    log = MemoryLog(clock)
    run = Running(log)
    async with run.process(block, block):
        await until(run.condition.ready)
        await post(log, 20)
        await until(arrived(log, 20))
    assert log.all(INSIDE) == []


async def test_what_is_left_in_the_log_is_not_overtaken(block: list[Service]) -> None:
    """After a switch of layout the messages in between are done first; then the topic is skipped."""
    log = MemoryLog(clock)
    await post(log, 30, topic=INSIDE)
    await post(log, 30, start=30)
    sent = 60

    async def is_skipped() -> bool:
        """Whether nothing of the next messages is written to the topic inside."""
        nonlocal sent
        written = len(log.all(INSIDE))
        await post(log, 1, start=sent)
        sent += 1
        await until(arrived(log, sent))
        return len(log.all(INSIDE)) == written

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(loops, "BATCH", 4)
        async with Running(log).process(block, block):
            await until(arrived(log, 60))
            await until(is_skipped)
    for key in KEYS:
        assert firsts(log.all(LEAVING), key) == list(range(sent))


async def test_layouts_may_be_switched_at_any_time(block: list[Service]) -> None:
    """Back and forth, with messages in between: nothing is lost, and the order of first deliveries is kept."""
    log = MemoryLog(clock)
    sent = 0
    for running in (block, block[:1], block, block[1:], block[:1], block):
        await post(log, 10, start=sent)
        sent += 10
        async with Running(log).process(running, block):
            if block[0] in running:
                await until(lambda: done(log, "renkei.first.entering", ENTERING))
    async with Running(log).process(block, block):
        await until(arrived(log, sent))
    for key in KEYS:
        assert firsts(log.all(LEAVING), key) == list(range(sent))


# --- Pauses


async def test_a_pause_doubles_and_ends_with_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to a limit, and from the start again after a success."""
    monkeypatch.setattr(loops, "LONGEST_PAUSE", 0.004)
    stopping = asyncio.Event()
    pause = Pause(0.001)
    for expected in (0.002, 0.004, 0.004):
        await pause.wait(stopping)
        assert pause.seconds == expected
    pause.reset()
    assert pause.seconds == loops.SHORTEST_PAUSE
    stopping.set()
    await asyncio.wait_for(replace(pause, seconds=1000).wait(stopping), 1)
