"""A message that one step can never do: it is set aside, alone, and its asker hears of it or is told when the time is over."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from schemas.message import Message
from services.runtime.chain import Stage
from tests.simulation.inquiries import Asked

ENDS: Final = frozenset({"internal_error", "timed_out"})
"""How its exchange ends: at some steps there is nobody who may tell the asker."""
WAYS: Final[dict[Literal["inquiry", "response"], Sequence[str]]] = {
    "inquiry": (
        "id_conversion/outbound.composed", "authorization/outbound.coded", "crypto/outbound.authorized",
        "network/outbound.sealed", "hub/network.submitted", "network/network.delivered", "authorization/inbound.sealed",
        "crypto/inbound.authorized", "id_conversion/inbound.opened", "routing/inbound.asked",
        "reference/reference.requested", "routing/reference.found",
    ),
    "response": (
        "id_conversion/outbound.composed", "authorization/outbound.coded", "crypto/outbound.authorized",
        "network/outbound.sealed", "hub/network.submitted", "network/network.delivered", "authorization/inbound.sealed",
        "crypto/inbound.authorized", "id_conversion/inbound.opened", "exchange/inbound.answered",
    ),
}  # fmt: skip
"""The steps that everyone of a kind passes."""


class Poisoned(Exception):
    """What the step raises."""


@dataclass(frozen=True)
class Poison:
    """Of which exchange, in which kind of message, and for which step."""

    exchange: str
    kind: str
    step: str

    def strikes(self, stage: Stage, batch: Sequence[Message]) -> bool:
        """Whether this step meets it in this batch."""
        if f"{stage.service.name}/{stage.topic}" != self.step:
            return False
        return any((one.control.exchange, one.control.kind) == (self.exchange, self.kind) for one in batch)

    def is_in(self, original: Message) -> bool:
        """Whether a message that was set aside is its, or the one before, from which it came in one go."""
        said = json.loads(original.headers["control"])
        return bool(said.get("exchange", said["id"]) == self.exchange)


def drawn(chance: random.Random, asked: Sequence[Asked]) -> Poison:
    """In one of the first, so that there is company behind it."""
    kind = chance.choice(list(WAYS))
    return Poison(chance.choice(asked[:3]).posted.question.id, kind, chance.choice(WAYS[kind]))
