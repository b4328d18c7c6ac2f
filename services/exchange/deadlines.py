"""An exchange that nobody has answered in time ends as `timed_out`: an hour after `expires`, the answerer's own limit.

Time enters as a record (architecture section 4.3): a ticker publishes what is due, the step ends what is still open. A
record that comes again, or is published again, changes nothing. What stays open all the same is said again ever more
seldom, or what no step can do would fill the log.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from schemas import topics
from schemas.message import Emit, Message, Position
from schemas.refusal import Refusal, RefusalCode
from schemas.text import instant, later
from services.exchange import store
from services.exchange.finishing import Candidate, Finisher

PART: Final = 500
"""Exchanges a tick at most."""
SHORTEST: Final = timedelta(seconds=2)
LONGEST: Final = timedelta(hours=1)
"""Between two records of one exchange."""
NOWHERE: Final = Position("", -1, -1)


@dataclass(frozen=True)
class Deadlines:
    """What ends exchanges by time; `grace` is how much longer than `expires` their askers wait."""

    finisher: Finisher
    grace: timedelta
    said: dict[str, tuple[str, timedelta]] = field(default_factory=dict)
    """Exchanges that the ticker has published: until when it says no more of them, and how long that is. May be lost."""

    async def due(self) -> list[Emit]:
        """A record for each open exchange, of every agency whose keys are held here, whose time is over."""
        agencies, now = set(self.finisher.rest.keys.agencies()), instant(self.finisher.clock())
        quiet = {exchange for exchange, (until, _) in self.said.items() if until > now}
        async with self.finisher.database.transaction(agencies) as connection:
            found = await store.due(connection, agencies, later(now, -self.grace), quiet, PART)
        self._remember({exchange for _, exchange, _ in found}, quiet, now)
        return [
            Emit(topics.exchange_due, Message(key=agency, value=b"", headers={"control": control}), NOWHERE)
            for agency, _, control in found
        ]

    def _remember(self, found: Collection[str], quiet: Collection[str], now: str) -> None:
        """Each is quiet for twice as long as before; what is neither found nor quiet has ended, and is forgotten."""
        waits = {
            exchange: min(LONGEST, self.said[exchange][1] * 2) if exchange in self.said else SHORTEST
            for exchange in found
        }
        for exchange in self.said.keys() - quiet:
            del self.said[exchange]
        self.said.update((exchange, (later(now, wait), wait)) for exchange, wait in waits.items())

    def passed(self, message: Message) -> Candidate:
        """The exchange's end by its deadline, for what the ticker has published."""
        refusal = Refusal(RefusalCode.TIMED_OUT, f"expires {message.control.expires}")
        return self.finisher.own(message, message.headers["control"], refusal, "due")
