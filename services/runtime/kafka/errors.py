"""aiokafka's clients and their errors as the runtime's."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from aiokafka.errors import KafkaError

from services.runtime.errors import Unavailable


@contextmanager
def translated(failure: str) -> Iterator[None]:
    """Whatever the broker does not do, or not in time, is `Unavailable`: it may do it later."""
    try:
        yield
    except (KafkaError, OSError, AssertionError) as error:
        # a TimeoutError is an OSError; aiokafka asserts that it knows a node, where it has lost them all
        raise Unavailable(f"{failure}: {type(error).__name__}") from error


@asynccontextmanager
async def started(client: Any, patience: float) -> AsyncIterator[None]:
    """A client for as long as the block lasts; `Unavailable` if it finds no broker."""
    try:
        await start(client, patience)
        yield
    finally:
        await client.stop()


async def start(client: Any, patience: float) -> None:
    """aiokafka would look for a coordinator, or for a producer's number, forever."""
    with translated("Kafka is not reachable"):
        async with asyncio.timeout(patience):
            await client.start()
