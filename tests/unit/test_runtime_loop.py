"""A loop commits nothing before what it caused is acknowledged, retries in place, and stops in order."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import quarantine
from schemas.message import Message, Outcome
from schemas.quarantine import new_key
from schemas.topics import Topic, record_quarantined
from services.runtime import loop as loops
from services.runtime import shortcut
from services.runtime.attempts import Note
from services.runtime.chain import Stage
from services.runtime.directory import Directory
from services.runtime.errors import Misconfigured, TooLarge, Unavailable
from services.runtime.loop import Condition, Loop, Pause
from services.runtime.memory import MemoryLog
from services.runtime.metrics import Metrics
from services.runtime.process import chain_of, nothing
from services.runtime.quarantine import Quarantine
from services.runtime.service import Service, Step
from tests.waiting import until

ENTERING, INSIDE, LEAVING = (Topic(name, "", partitions=3) for name in ("entering", "inside", "leaving"))
KEYS = ["131016", "271004", "401307"]
KEY = new_key()


def clock() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(autouse=True, scope="module")
def _impatient() -> Iterator[None]:
    """Pauses of a loop are short here."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(loops, "Pause", partial(Pause, 0.001))
        monkeypatch.setattr(loops, "COMMIT_EVERY", 0.005)
        monkeypatch.setattr(shortcut, "LOOK_EVERY", 0.01)
        yield


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


async def carry(messages: Sequence[Message], onward: Any) -> list[Outcome]:
    """A step that carries everything to the topic that is its resource."""
    return [message.carried(onward) for message in messages]


def service(name: str, reads: Topic, writes: Topic, step: Step = carry, directed: bool = False) -> Service:
    return Service(name, "linkage", nothing, reads={reads: step}, writes=[writes], directed=directed)


@dataclass
class Running:
    """The loops of one process on a log in memory."""

    log: MemoryLog
    condition: Condition = field(default_factory=Condition)
    metrics: Metrics = field(default_factory=Metrics)
    directory: Directory = field(default_factory=lambda: Directory({}, clock))
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def process(self, running: Sequence[Service], services: Sequence[Service]) -> AsyncIterator[None]:
        """For as long as the block lasts; then the loops are told to stop, and end."""
        stages = [Stage(one, topic, step, one.writes[0]) for one in running for topic, step in one.reads.items()]
        chain = chain_of(stages, running, services, self.metrics, KEY.public)
        async with asyncio.TaskGroup() as tasks:
            for stage in stages:
                aside = Quarantine(KEY.public, stage.service.name, clock)
                own = (stage, chain, self.log, self.directory, self.metrics, self.condition, aside, self.stopping)
                tasks.create_task(Loop(*own).run())
            yield
            self.stopping.set()


def messages(count: int, start: int = 0) -> list[Message]:
    return [Message(key, b"%d" % number, {}) for number in range(start, start + count) for key in KEYS]


async def post(log: MemoryLog, count: int, start: int = 0, topic: Topic = ENTERING) -> None:
    for one in messages(count, start):
        await MemoryLog.publish(log, [(topic, one)])


def firsts(found: Sequence[Message], key: str) -> list[int]:
    """The first deliveries of a key, in their order."""
    return list(dict.fromkeys(int(one.value) for one in found if one.key == key))


def arrived(log: MemoryLog, count: int, topic: Topic = LEAVING) -> Callable[[], bool]:
    return lambda: all(set(firsts(log.all(topic), key)) == set(range(count)) for key in KEYS)


async def done(log: MemoryLog, group: str, topic: Topic) -> bool:
    return await log.committed(group, topic) == await log.ends(topic)


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


@settings(max_examples=40, deadline=None)
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


async def test_what_cannot_be_done_is_set_aside() -> None:
    """The messages around it are done, in order; it is held, sealed, with its reason; no offset waits for it."""

    async def choosy(batch: Sequence[Message], onward: Any) -> list[Outcome]:
        if any(one.value == b"3" and one.key == KEYS[1] for one in batch):
            raise KeyError("太郎")
        return await carry(batch, onward)

    log = MemoryLog(clock)
    run = Running(log)
    first = service("first", ENTERING, LEAVING, choosy)
    await post(log, 6)
    async with run.process([first], [first]):
        await until(lambda: done(log, "renkei.first.entering", ENTERING))
        await until(run.condition.ready)
    assert firsts(log.all(LEAVING), KEYS[0]) == list(range(6))
    assert firsts(log.all(LEAVING), KEYS[1]) == [0, 1, 2, 4, 5]
    [record] = log.all(record_quarantined)
    held = quarantine.read(record)
    assert (held.said.service, held.said.error, held.said.attempts) == ("first", "KeyError", 3)
    assert held.said.source == record.key == str(held.said.position)
    assert quarantine.original_of(held, KEY).value == b"3"
    assert run.metrics.registry.get_sample_value(
        "renkei_messages_set_aside_total", {"service": "first", "topic": "entering"}
    )


async def test_what_was_released_is_done_as_if_nothing_had_happened() -> None:
    """Mended, the released message passes, with the source of its first reading."""
    mended = False

    async def mendable(batch: Sequence[Message], onward: Any) -> list[Outcome]:
        if not mended and any(one.value == b"0" for one in batch):
            raise KeyError
        return [one.carried(onward, was=one.source.encode()) for one in batch]

    log = MemoryLog(clock)
    first = service("first", ENTERING, LEAVING, mendable)
    await post(log, 2)
    async with Running(log).process([first], [first]):
        await until(lambda: len(log.all(record_quarantined)) == len(KEYS))
        mended = True
        for record in log.all(record_quarantined):
            await MemoryLog.publish(log, [(ENTERING, quarantine.released(quarantine.read(record), KEY))])
        await until(arrived(log, 2))
    assert {one.headers["was"].decode() for one in log.all(LEAVING) if one.value == b"0"} == {
        record.key for record in log.all(record_quarantined)
    }
    assert all("released" not in one.headers for one in log.all(LEAVING))


async def test_the_asker_is_told_of_what_was_set_aside() -> None:
    """By the step that its service declares; a step that cannot tell changes nothing."""

    async def failing(batch: Sequence[Message], onward: Any) -> list[Outcome]:
        if any(one.value in (b"1", b"2") for one in batch):
            raise KeyError
        return await carry(batch, onward)

    async def tell(batch: Sequence[Message], onward: Any) -> list[Outcome]:
        if any(one.value == b"2" for one in batch):
            raise ValueError
        return [one.carried(onward, told=b"internal_error") for one in batch]

    log = MemoryLog(clock)
    first = replace(service("first", ENTERING, LEAVING, failing), aside={ENTERING: tell})
    await post(log, 4)
    async with Running(log).process([first], [first]):
        await until(lambda: done(log, "renkei.first.entering", ENTERING))
    assert len(log.all(record_quarantined)) == 2 * len(KEYS)
    assert sorted((one.value, "told" in one.headers) for one in log.all(LEAVING)) == sorted(
        [(b"0", False), (b"1", True), (b"3", False)] * len(KEYS)
    )


async def test_what_the_log_does_not_take_shows_no_sound_step() -> None:
    """A target that refuses every record is the operator's to mend: nothing is set aside, nothing is committed."""

    @dataclass
    class Refusing(MemoryLog):
        mended: bool = False

        async def publish(self, records: Sequence[tuple[Topic, Message]]) -> None:
            if records and records[0][0] == LEAVING and not self.mended:
                raise TooLarge("max.message.bytes")
            await super().publish(records)

    log = Refusing(clock)
    run = Running(log)
    first = service("first", ENTERING, LEAVING)
    await post(log, 4)
    async with run.process([first], [first]):
        await until(lambda: run.condition.waiting == {"first/entering": "step failed: TooLarge"})
        await until(lambda: retried(run, "TooLarge") > 3)
        assert log.all(record_quarantined) == []
        assert set((await log.committed("renkei.first.entering", ENTERING)).values()) == {0}
        log.mended = True
        await until(arrived(log, 4))
    for key in KEYS:
        assert firsts(log.all(LEAVING), key) == list(range(4))


async def test_a_stop_in_a_careful_batch_commits_nothing_that_was_not_done() -> None:
    """After somebody has died at work, and while nothing can be done: all of it is still to be done afterwards."""
    broken = True

    async def buggy(batch: Sequence[Message], onward: Any) -> list[Outcome]:
        if broken:
            raise KeyError
        return await carry(batch, onward)

    log = MemoryLog(clock)
    first = service("first", ENTERING, LEAVING, buggy)
    await post(log, 200)
    for number in range(ENTERING.partitions):
        log.commit("renkei.first.entering", ENTERING, number, 0, Note("0a1b2c3d"))
    run = Running(log)
    async with run.process([first], [first]):
        await until(lambda: retried(run, "KeyError") > 0)
    broken = False
    async with Running(log).process([first], [first]):
        await until(lambda: done(log, "renkei.first.entering", ENTERING))
    assert log.all(record_quarantined) == []
    for key in KEYS:
        assert firsts(log.all(LEAVING), key) == list(range(200))


def retried(run: Running, error: str) -> float:
    labels = {"service": "first", "topic": "entering", "error": error}
    return run.metrics.registry.get_sample_value("renkei_batch_retries_total", labels) or 0


async def test_a_lonely_message_waits_for_company() -> None:
    """Reading stops where nothing can be done, until what comes later shows that it is not the code."""

    async def choosy(batch: Sequence[Message], onward: Any) -> list[Outcome]:
        if any(one.value == b"0" for one in batch):
            raise KeyError
        return await carry(batch, onward)

    log = MemoryLog(clock)
    run = Running(log)
    first = service("first", ENTERING, LEAVING, choosy)
    await post(log, 1)
    async with run.process([first], [first]):
        await until(lambda: run.condition.waiting == {"first/entering": "step failed: KeyError"})
        assert log.all(record_quarantined) == []
        await post(log, 1, start=1)
        await until(lambda: done(log, "renkei.first.entering", ENTERING))
        await until(run.condition.ready)
    assert len(log.all(record_quarantined)) == len(KEYS)


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
        run.directory.beat = clock()
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
