"""Posts inquiries at a rate, or as fast as they are taken, and measures when each is completed."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from schemas import topics
from schemas.message import Message
from services.runtime.kafka.log import KafkaLog
from services.runtime.kafka.scan import watch

PART = 200
GIVE_UP = 600.0
AHEAD = 6_000
"""Inquiries that are posted and not completed, at most: enough to keep every layer busy."""


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

    def percentile(self, share: float) -> float:
        """Milliseconds within which `share` of the inquiries were completed."""
        latencies = self.latencies()
        return round(latencies[min(len(latencies) - 1, int(share * len(latencies)))] * 1000, 1)


async def drive(bootstrap: str, messages: Sequence[Message], rate: float | None, step: Callable[[int], None]) -> Run:
    """Posts all, at `rate` a second or as fast as they are completed; returns when all are completed."""
    run, log = Run(), KafkaLog(bootstrap)
    ids = {_exchange(message) for message in messages}
    ready = asyncio.Event()
    watching = asyncio.create_task(_watch(bootstrap, ids, run, ready, step))
    try:
        await ready.wait()
        await (_post_fast(log, messages, run) if rate is None else _post_at(log, messages, run, rate))
        await asyncio.wait_for(watching, GIVE_UP)
    finally:
        watching.cancel()
        await log.close()
    return run


async def _post_fast(log: KafkaLog, messages: Sequence[Message], run: Run) -> None:
    for start in range(0, len(messages), PART):
        while len(run.posted) - len(run.completed) > AHEAD:
            run.progressed.clear()
            await run.progressed.wait()
        await _post(log, messages[start : start + PART], run)


async def _post_at(log: KafkaLog, messages: Sequence[Message], run: Run, rate: float) -> None:
    """Open loop: each is posted at its time, however long the others take."""
    began = time.monotonic()
    waiting = set()
    for number, message in enumerate(messages):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        task = asyncio.create_task(_post(log, [message], run))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
    await asyncio.gather(*waiting)


async def _post(log: KafkaLog, messages: Sequence[Message], run: Run) -> None:
    now = time.monotonic()
    run.posted |= {_exchange(message): now for message in messages}
    await log.publish([(topics.outbound_requested, message) for message in messages])


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


def _exchange(message: Message) -> str:
    return message.headers["ce_id"].decode()
