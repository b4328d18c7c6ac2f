"""Posts inquiries at a rate, or as fast as they are taken, and measures when each is completed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field

from schemas import topics
from services.operator.bench.population import Request
from services.runtime.kafka.log import KafkaLog
from services.runtime.kafka.scan import watch

PART = 200
GIVE_UP = 600.0
AHEAD = 6_000
"""Inquiries that are posted and not completed, at most: enough to keep every layer busy."""

Schedule = Sequence[tuple[float, Sequence[Request]]]
"""What is posted at once, and how many seconds after the begin, ascending."""


@dataclass
class Run:
    """What was posted and completed, by exchange id: seconds of the driver's clock."""

    posted: dict[str, float] = field(default_factory=dict)
    completed: dict[str, float] = field(default_factory=dict)
    repeats: int = 0
    progressed: asyncio.Event = field(default_factory=asyncio.Event)

    def rate(self) -> float:
        """Inquiries a second between the first post and the last completion."""
        return len(self.completed) / (max(self.completed.values()) - min(self.posted.values()))

    def latencies(self) -> list[float]:
        """Seconds from posting to completion, ascending."""
        return sorted(end - self.posted[exchange] for exchange, end in self.completed.items())

    def of(self, exchanges: Collection[str]) -> "Run":
        """What became of these."""
        return Run(
            {one: at for one, at in self.posted.items() if one in exchanges},
            {one: at for one, at in self.completed.items() if one in exchanges},
        )

    def percentile(self, share: float) -> float:
        """Milliseconds within which `share` of the inquiries were completed."""
        latencies = self.latencies()
        return round(latencies[min(len(latencies) - 1, int(share * len(latencies)))] * 1000, 1)


async def drive(bootstrap: str, messages: Sequence[Request], rate: float | None, step: Callable[[int], None]) -> Run:
    """Posts all, at `rate` a second or as fast as they are completed; returns when all are completed."""
    if rate is not None:
        return await drive_at(bootstrap, steady(messages, rate), step)
    return await _drive(bootstrap, messages, lambda log, run: _post_fast(log, messages, run), step)


async def drive_at(bootstrap: str, schedule: Schedule, step: Callable[[int], None]) -> Run:
    """Posts all at their times; returns when all are completed."""
    messages = [message for _, posted in schedule for message in posted]
    return await _drive(bootstrap, messages, lambda log, run: _post_at(log, schedule, run), step)


def steady(messages: Sequence[Request], rate: float) -> Schedule:
    """One after the other, `rate` a second."""
    return [(number / rate, [message]) for number, message in enumerate(messages)]


async def _drive(
    bootstrap: str,
    messages: Sequence[Request],
    post: Callable[[KafkaLog, Run], Awaitable[None]],
    step: Callable[[int], None],
) -> Run:
    run, log = Run(), KafkaLog(bootstrap)
    ids = {message.exchange for message in messages}
    ready = asyncio.Event()
    watching = asyncio.create_task(_watch(bootstrap, ids, run, ready, step))
    try:
        await ready.wait()
        await post(log, run)
        await asyncio.wait_for(watching, GIVE_UP)
    finally:
        watching.cancel()
        await log.close()
    return run


async def _post_fast(log: KafkaLog, messages: Sequence[Request], run: Run) -> None:
    for start in range(0, len(messages), PART):
        while len(run.posted) - len(run.completed) > AHEAD:
            run.progressed.clear()
            await run.progressed.wait()
        part, now = messages[start : start + PART], time.monotonic()
        run.posted |= {message.exchange: now for message in part}
        await _publish(log, part)


async def _post_at(log: KafkaLog, schedule: Schedule, run: Run) -> None:
    """Open loop: all that is due is posted together, and counts from when it was due, however long the others take."""
    began, place = time.monotonic(), 0
    while place < len(schedule):
        await asyncio.sleep(max(0.0, began + schedule[place][0] - time.monotonic()))
        due: list[Request] = []
        while place < len(schedule) and began + schedule[place][0] <= time.monotonic():
            at, messages = schedule[place]
            run.posted |= {message.exchange: began + at for message in messages}
            due += messages
            place += 1
        await _publish(log, due)


async def _publish(log: KafkaLog, messages: Sequence[Request]) -> None:
    """Signed now: an assertion holds for an hour at the most, and a run may last longer."""
    await log.publish([(topics.outbound_requested, message.signed()) for message in messages])


async def _watch(bootstrap: str, ids: set[str], run: Run, ready: asyncio.Event, step: Callable[[int], None]) -> None:
    async for batch in watch(bootstrap, topics.exchange_completed):
        ready.set()
        now, before = time.monotonic(), len(run.completed)
        for message in batch:
            exchange = message.headers["ce_id"].decode().partition("/")[0]
            if message.headers["ce_type"] != b"renkei.exchange.answered":
                raise RuntimeError("an inquiry of the bench was refused")
            if exchange in run.completed:
                run.repeats += 1
            elif exchange in ids:
                run.completed[exchange] = now
        run.progressed.set()
        step(len(run.completed) - before)
        if len(run.completed) == len(ids):
            return
