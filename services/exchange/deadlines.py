"""An exchange that nobody has answered in time ends as `timed_out`: an hour after `expires`, the answerer's own limit.

Time enters as a record (architecture section 4.3): a ticker publishes what is due, the step ends what is still open. A
record that comes again, or is published again, changes nothing.
"""

from dataclasses import dataclass
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
NOWHERE: Final = Position("", -1, -1)


@dataclass(frozen=True)
class Deadlines:
    """What ends exchanges by time; `grace` is how much longer than `expires` their askers wait."""

    finisher: Finisher
    grace: timedelta

    async def due(self) -> list[Emit]:
        """A record for each open exchange, of every agency whose keys are held here, whose time is over."""
        agencies, now = set(self.finisher.rest.keys.agencies()), instant(self.finisher.clock())
        async with self.finisher.database.transaction(agencies) as connection:
            found = await store.due(connection, agencies, later(now, -self.grace), PART)
        return [
            Emit(topics.exchange_due, Message(key=agency, value=b"", headers={"control": control}), NOWHERE)
            for agency, control in found
        ]

    def passed(self, message: Message) -> Candidate:
        """The exchange's end by its deadline, for what the ticker has published."""
        refusal = Refusal(RefusalCode.TIMED_OUT, f"expires {message.control.expires}")
        return self.finisher.own(message, message.headers["control"], refusal, "due")
