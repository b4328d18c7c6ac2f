"""What is put around aiokafka's client: between two attempts that nobody answered it rests."""

import asyncio
from typing import Any

import pytest

from services.runtime.kafka import errors


class Consumer:
    """As much of one as is put in order before it starts; its brokers answer as is given, the last answer for ever."""

    def __init__(self, *answers: bool) -> None:
        self._client = self
        self._answers = list(answers)
        self._fetcher = self._coordinator = None

    async def send(self, *_: Any, **__: Any) -> None: ...

    async def _md_synchronizer(self) -> None: ...

    async def _metadata_update(self, *_: Any) -> bool:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was rested, in turn; nobody waits for it."""
    found: list[float] = []
    sleep = asyncio.sleep

    async def rest(seconds: float) -> None:
        found.append(seconds)
        await sleep(0)

    monkeypatch.setattr("services.runtime.kafka.errors.asyncio.sleep", rest)
    return found


async def test_a_client_that_nobody_answers_rests(rests: list[float]) -> None:
    """Each of a dozen readers would else knock hundreds of times a second, and take a processor for it."""
    consumer = Consumer(False, False, True)
    async with errors.started(consumer, 1):
        assert [await consumer._metadata_update() for _ in range(4)] == [False, False, True, True]
    assert rests == [errors.AGAIN, errors.AGAIN]
