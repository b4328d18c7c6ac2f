"""What a step cannot do is set aside, once it is clear that it is not the step (architecture section 4)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from schemas import quarantine
from schemas.message import Message, Outcome
from schemas.topics import Topic, record_quarantined
from services.runtime import loop as loops
from services.runtime.attempts import Note
from services.runtime.errors import TooLarge
from services.runtime.memory import MemoryLog
from tests.loops import (
    ENTERING,
    KEY,
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


async def test_what_waits_for_company_has_its_limit_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few large messages fill a process as surely as ten thousand small ones."""
    tried: Counter[bytes] = Counter()

    async def broken(batch: Sequence[Message], onward: Any) -> list[Outcome]:
        tried.update(one.value for one in batch)
        raise KeyError("太郎")

    monkeypatch.setattr(loops, "BATCH", 2)
    monkeypatch.setattr(loops, "LARGEST_BYTES", 8)
    log = MemoryLog(clock)
    first = service("first", ENTERING, LEAVING, broken)
    for number in range(20):
        await log.publish([(ENTERING, Message(KEYS[0], b"%d" % number, {}))])
    async with Running(log).process([first], [first]):
        await until(lambda: tried[b"0"] > 20)
    assert set(tried) == {b"0", b"1"}


async def test_a_lone_record_without_content_is_set_aside() -> None:
    """A tombstone, or what does not decode: nothing else need be done first, and the loop is ready again."""

    async def needy(batch: Sequence[Message], onward: Any) -> list[Outcome]:
        for one in batch:
            assert one.headers["control"]
        return await carry(batch, onward)

    log = MemoryLog(clock)
    run = Running(log)
    first = service("first", ENTERING, LEAVING, needy)
    await log.publish([(ENTERING, Message(KEYS[0], b"", {}))])
    async with run.process([first], [first]):
        await until(lambda: done(log, "renkei.first.entering", ENTERING))
        await until(run.condition.ready)
    [record] = log.all(record_quarantined)
    assert quarantine.read(record).said.error == "KeyError"


async def test_a_record_without_content_is_no_company() -> None:
    """That it is set aside shows nothing of the step: messages that fail around it stay, and no offset passes them."""

    async def broken(batch: Sequence[Message], _: Any) -> list[Outcome]:
        raise KeyError("control")

    log = MemoryLog(clock)
    run = Running(log)
    first = service("first", ENTERING, LEAVING, broken)
    for value in (b"1", b"", b"2"):
        await log.publish([(ENTERING, Message(KEYS[0], value, {}))])
    async with run.process([first], [first]):
        await until(lambda: log.all(record_quarantined))
        await until(lambda: run.condition.waiting.get("first/entering") == "step failed: KeyError")
        assert set((await log.committed("renkei.first.entering", ENTERING)).values()) == {0}
    assert len({one.key for one in log.all(record_quarantined)}) == 1
