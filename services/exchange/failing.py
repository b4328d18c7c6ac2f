"""A request that no step could handle, and that was set aside for the operator, tells its asker `internal_error`.

Only if its assertion holds, since else it is not known who asked. If it was accepted, its exchange ends; if not, it opens
none and its id is not used up, so that the operator can hand the same record in again once the fault is mended.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from schemas import topics
from schemas.control import LIFETIME
from schemas.message import Drop, Message, Outcome
from schemas.refusal import Refusal, RefusalCode, SecurityEvent
from schemas.text import instant, later
from services.exchange.accepting import NAME, Accepter, Candidate, control_of
from services.exchange.ending import refusing, told
from services.exchange.finishing import Finisher
from services.runtime import decisions

REASON = "aside"


@dataclass(frozen=True)
class Failer:
    """What failing a request needs: how requests are read, and how exchanges are finished."""

    accepter: Accepter
    finisher: Finisher

    async def aside(self, messages: Sequence[Message]) -> list[Outcome]:
        """The end of every request that was set aside; of anything else nobody is told."""
        asserted = {message.position: self._asserted(message) for message in messages}
        candidates = [candidate for candidate in asserted.values() if candidate is not None]
        agencies = {candidate.message.key for candidate in candidates}
        async with self.accepter.database.transaction(agencies) as connection:
            known = await decisions.recall(connection, [candidate.place for candidate in candidates])
        outcomes: list[Outcome] = [Drop(place, REASON) for place, found in asserted.items() if found is None]
        ending = []
        for candidate in candidates:
            decided = known.get(candidate.place)
            if decided is None or decided.digest != self.accepter.content(candidate):
                outcomes += self._unaccepted(candidate)
            elif decided.source != candidate.message.source:  # a copy: the first goes its way
                outcomes.append(Drop(candidate.message.position, REASON))
            else:
                control = control_of(candidate, decided).encoded()
                ending.append(self.finisher.own(candidate.message, control, _failure(), "aside"))
        return [*outcomes, *await self.finisher.finish(ending)]

    def _asserted(self, message: Message) -> Candidate | None:
        """The request, where it is one: it entered the block where it was read."""
        if message.position.topic != topics.outbound_requested.name:
            return None
        try:
            return self.accepter.candidate(replace(message, source=message.source or str(message.position)))
        except (SecurityEvent, Refusal):
            return None

    def _unaccepted(self, candidate: Candidate) -> list[Outcome]:
        """An event of this request alone; its times are those of the record, the same whenever it comes."""
        created = instant(datetime.fromtimestamp(candidate.message.time / 1000, UTC))
        control = candidate.posted.question.completed(created, later(created, LIFETIME)).encoded()
        ending = refusing(control, _failure(), candidate.message, self.accepter.rest, "same_id")
        ending = ending.of_request(candidate.message)
        return told(candidate.message, ending, NAME, candidate.system, self.accepter.answer_keys)


def _failure() -> Refusal:
    return Refusal(RefusalCode.INTERNAL_ERROR, "set aside for the operator")
