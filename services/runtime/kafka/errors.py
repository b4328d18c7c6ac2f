"""aiokafka's clients and their errors as the runtime's."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final

import structlog
from aiokafka.errors import KafkaConnectionError, KafkaError

from services.runtime.errors import Unavailable
from services.runtime.logging import place

COMMITTED: Final = "read_committed"
"""The isolation level of whoever reads records: what a transaction wrote counts once it is committed."""
AGAIN: Final = 0.5
"""Seconds until a client asks anew where the partitions are, if nobody has answered."""


@contextmanager
def translated(failure: str) -> Iterator[None]:
    """Whatever the broker does not do, or not in time, is `Unavailable`: it may do it later."""
    try:
        yield
    except asyncio.CancelledError as error:
        if _asked():
            raise
        raise Unavailable(f"{failure}: the client gave up") from error
    except (KafkaError, OSError, AssertionError) as error:
        # a TimeoutError is an OSError; aiokafka asserts that it knows a node, where it has lost them all
        raise Unavailable(f"{failure}: {type(error).__name__}") from error


@asynccontextmanager
async def started(consumer: Any, patience: float) -> AsyncIterator[None]:
    """A consumer for as long as the block lasts; `Unavailable` if it finds no broker."""
    try:
        await start(consumer, patience)
        yield
    finally:
        await _stop(consumer, patience)


async def _stop(consumer: Any, patience: float) -> None:
    """aiokafka tells its broker that it leaves, which may not be there to hear it. And it cancels its attempts at fetching and
    waits for them, and out comes their cancellation: taken for our own it would end the loop that reads a topic, and nobody
    would notice, since a task group has no word for a task that was cancelled."""
    try:
        async with asyncio.timeout(patience):
            await consumer.stop()
    except (asyncio.CancelledError, KafkaError, OSError) as error:
        await _cut(consumer, patience)
        if isinstance(error, asyncio.CancelledError) and _asked():
            raise


async def _cut(consumer: Any, patience: float) -> None:
    """What it had still to do: its tasks would fetch, and knock at every broker they know, for as long as this process runs."""
    tasks = _tasks(consumer)
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=patience)
    with suppress(TimeoutError):
        await asyncio.wait_for(consumer._client.close(), patience)


def _tasks(consumer: Any) -> set[asyncio.Task[Any]]:
    """Of its fetcher and its coordinator, as far as it has them yet."""
    parts = [part for part in (consumer._fetcher, consumer._coordinator) if part is not None]
    found = {held for part in parts for held in vars(part).values() if isinstance(held, asyncio.Task)}
    return found | {task for part in parts for task in getattr(part, "_pending_tasks", ())}


def _asked() -> bool:
    """Whether it is this task that is to end."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


async def start(client: Any, patience: float) -> None:
    """aiokafka would look for a coordinator, or for a producer's number, forever."""
    _supervise(getattr(client, "_client", None) or client.client)
    with translated("Kafka is not reachable"):
        async with asyncio.timeout(patience):
            await client.start()


def _supervise(client: Any) -> None:
    """aiokafka does not foresee uvloop's RuntimeError for a connection closed a moment ago: a task dies of it, and what
    waits for that task waits for ever, also when the client is to stop. To its requests it is a lost connection; and the task
    that learns where the partitions are begins anew, whatever it dies of. Nor does it pause between two attempts at that where
    no broker answers: a dozen readers would knock hundreds of times a second, and take a whole processor for it."""
    request, once, update = client.send, client._md_synchronizer, client._metadata_update

    async def send(*told: Any, **named: Any) -> Any:
        try:
            return await request(*told, **named)
        except RuntimeError as error:
            raise KafkaConnectionError(str(error)) from error

    async def updated(*told: Any) -> bool:
        found: bool = await update(*told)
        if not found:
            await asyncio.sleep(AGAIN)
        return found

    async def synchronize() -> None:
        while True:
            try:
                await once()
            except Exception as error:  # noqa: BLE001  # whatever it is, nobody else would notice
                structlog.get_logger().warning("asked anew", error=type(error).__name__, reason=place(error))
            await asyncio.sleep(AGAIN)
            if not client._md_update_waiter.done():
                client._md_update_waiter.set_result(None)

    client.send, client._md_synchronizer, client._metadata_update = send, synchronize, updated
