"""Message by message: how a batch that failed is tried, and the first one after somebody did not leave in order.

A message that cannot be done is set aside after three attempts, but only once another of the same batch was done: a bad
deployment must not empty a topic into quarantine (architecture section 4).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas.message import Message, Position
from services.runtime.errors import Misconfigured, Unavailable

ATTEMPTS: Final = 3
SUSPECTS: Final = 10
"""So many in a row that cannot be done, and none that can: it is not the messages."""


class Stuck(Exception):
    """Nothing of the batch can be done, as far as it was tried; the cause is the first message's failure."""


class Killed(Exception):
    """The process ended, three times, while this message was being done."""


Attempt = Callable[[Message], Awaitable[None]]
"""Does one message, or raises."""
SetAside = Callable[[Message, Exception, int], Awaitable[None]]
"""Puts a message into quarantine, for this reason, after so many attempts."""
Begin = Callable[[Message, Mapping[Position, int]], Awaitable[None]]
"""Told before each attempt, with the attempts so far of everything that is not done yet."""


@dataclass
class Trial:
    """One batch, in order. May be run again after an interruption: what is settled is not done twice."""

    begin: Begin
    done: Callable[[Sequence[Message]], None]
    """Told of each message that need not be read again."""
    company: Callable[[], bool]
    """Whether the step has done others meanwhile, which came to it another way."""
    attempts: dict[Position, int]
    """What earlier processes have noted."""
    _settled: set[Position] = field(default_factory=set)

    async def run(self, batch: Sequence[Message], attempt: Attempt, set_aside: SetAside) -> None:
        """Returns when every message is done or set aside; `Stuck` if no message could be done."""
        failed: list[tuple[Message, Exception]] = []
        for message in batch:
            if message.position in self._settled:
                continue
            failure = await self._tried(message, attempt)
            if failure is not None:
                failed.append((message, failure))
            else:
                self._settled.add(message.position)
            if self._settled or self.company():
                await self._settle(failed, set_aside)
                self.done([message])
            elif len(failed) >= SUSPECTS:
                break
        if failed:
            self.attempts.clear()
            raise Stuck from failed[0][1]

    async def _tried(self, message: Message, attempt: Attempt) -> Exception | None:
        """None if it was done, else why not."""
        failure: Exception = Killed()
        while self.attempts.get(message.position, 0) < ATTEMPTS:
            self.attempts[message.position] = self.attempts.get(message.position, 0) + 1
            await self.begin(message, self.attempts)
            try:
                await attempt(message)
            except Unavailable:
                self.attempts[message.position] -= 1
                await self.begin(message, self.attempts)  # else a process that ends while it waits counts against it
                raise
            except Misconfigured:
                raise
            except Exception as error:  # whatever it is, it is this message's, if others can be done
                failure = error
            else:
                del self.attempts[message.position]
                return None
        return failure

    async def _settle(self, failed: list[tuple[Message, Exception]], set_aside: SetAside) -> None:
        while failed:
            message, failure = failed[0]
            await set_aside(message, failure, self.attempts.get(message.position, ATTEMPTS))
            self.attempts.pop(message.position, None)
            self._settled.add(message.position)
            failed.pop(0)
