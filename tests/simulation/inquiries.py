"""What is asked in one execution: a few inquiries, ordinary or odd, and how each may rightly end."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from schemas import canonical
from schemas.control import Question
from schemas.directory import HUB
from schemas.message import Message
from schemas.request import Posted, assert_request, read_request
from schemas.text import instant
from services.hub.link_codes import LinkCodes
from services.operator.asking import posted_record
from services.runtime.rest import LINK, AtRest
from tests.simulation.ground import (
    AGENCIES,
    BASIS,
    COPYLESS,
    FLAGGED,
    ITEM,
    KNOWN,
    OFFICER,
    START,
    STRANGER,
    UNLAWFUL,
    Ground,
    number_of,
)
from tests.vectors.world import NOW

Sort = Literal["ordinary", "copyless", "flagged", "stranger", "unlawful", "short", "late", "forged"]
LIFE: Final = timedelta(hours=1)
ENDS: Final[dict[Sort, frozenset[str]]] = {
    "ordinary": frozenset({"records"}),
    "copyless": frozenset({"no_data"}),
    "flagged": frozenset({"timed_out"}),
    "stranger": frozenset({"unknown_person"}),
    "unlawful": frozenset({"not_in_law_table"}),
    "short": frozenset({"records", "expired", "timed_out"}),
    "late": frozenset({"expired"}),
    "forged": frozenset(),
}
"""How an inquiry ends: the answer's outcome, or the code of the refusal."""
UNTIMELY: Final = frozenset({"expired", "key_revoked"})
"""How it may end as well where clocks jump or a key is revoked; by nobody's answer only if the oracle knows why."""
CONVOY: Final = 12
"""Ordinary inquiries of one agency to another, one soon after the other."""
COMMON: Final[tuple[Sort, ...]] = ("ordinary",) * 7
RARE: Final[tuple[Sort, ...]] = ("copyless", "flagged", "stranger", "unlawful", "short", "late", "forged")
PERSON: Final[dict[Sort, int]] = {"copyless": COPYLESS, "flagged": FLAGGED, "stranger": STRANGER}


@dataclass(frozen=True)
class Asked:
    """One inquiry, and what is posted of it, in order: itself, perhaps itself again, perhaps other content under its id."""

    sort: Sort
    core: int
    posted: Posted
    again: Posted | None = None
    """Other content under the same id: refused, or first."""
    twice: bool = False
    impostor: bool = False
    """Whether the very message leaves the own side once more, about another person."""

    @property
    def place(self) -> tuple[str, str]:
        return (self.posted.question.sender, self.posted.question.id)

    def requests(self) -> list[Posted]:
        """As they are posted."""
        return [self.posted, *([self.posted] if self.twice else []), *([self.again] if self.again else [])]


def drawn(chance: random.Random) -> list[Asked]:
    """One to four inquiries, most of them of one agency to another, so that their order matters."""
    pair = chance.sample(AGENCIES, 2)
    asked = []
    for place in range(chance.choice((1, 1, 2, 2, 3, 4))):
        parties = pair if chance.random() < 0.7 else chance.sample(AGENCIES, 2)
        asked.append(_one(chance, place, *parties))
    return asked


def convoy(chance: random.Random) -> list[Asked]:
    """Many of one pair, so that it shows if one overtakes another."""
    pair = chance.sample(AGENCIES, 2)
    return [ordinary(chance, place, *pair) for place in range(CONVOY)]


def ordinary(chance: random.Random, place: int, sender: str, receiver: str) -> Asked:
    """About somebody who is known."""
    core = chance.choice(KNOWN)
    return Asked("ordinary", core, _posted("ordinary", place, sender, receiver, core, START + LIFE))


def _one(chance: random.Random, place: int, sender: str, receiver: str) -> Asked:
    sort: Sort = chance.choice(COMMON + RARE)
    core = PERSON.get(sort) or chance.choice(KNOWN)
    expires = START + _life(chance, sort)
    posted = _posted(sort, place, sender, receiver, core, expires)
    asked = Asked(sort, core, posted)
    odd = chance.random()
    if odd < 0.12:
        return replace(asked, twice=True)
    other = chance.choice([one for one in KNOWN if one != core])
    if odd < 0.24 and sort != "forged":
        return replace(asked, again=_posted(sort, place, sender, receiver, other, expires))
    return replace(asked, impostor=sort == "ordinary" and odd < 0.34)


def _life(chance: random.Random, sort: Sort) -> timedelta:
    match sort:
        case "short":
            return timedelta(seconds=chance.choice((0.1, 0.5, 1.0, 2.0)))
        case "late":
            return timedelta(seconds=-1)
    return LIFE


def _posted(sort: Sort, place: int, sender: str, receiver: str, core: int, expires: datetime) -> Posted:
    question = Question(
        id=f"019ab1c2-0000-7000-8000-0000000000{place + 1:02}",
        sender=sender,
        receiver=receiver,
        basis=UNLAWFUL if sort == "unlawful" else BASIS,
        item=ITEM,
        officer=OFFICER,
        expires=instant(expires),
    )
    business = canonical.encode({"period": {"year": 2026}})
    return read_request(question.encoded(), number_of(sender, core).encode(), business)


def record(ground: Ground, posted: Posted, now: datetime, forged: Sequence[Posted] = ()) -> Message:
    """What the producer posts, signed now; a forged one is signed for another agency's posting system."""
    sender = posted.question.sender
    signer = posted.question.receiver if posted in forged else sender
    key = ground.keys[signer, "assertion"]
    expires = int(now.timestamp()) + 300
    return posted_record(posted, assert_request(posted, key.kid, key.private, expires))


def impostor(ground: Ground, one: Asked, coded: Message) -> Message:
    """A message as it left the intermediate interface, with nothing changed but whom it is about."""
    sender = one.place[0]
    rest = AtRest(ground.key_rings("linkage"), lambda: START)
    codes = LinkCodes(ground.rings[HUB].current("permutation", NOW).secret)
    subject = LINK + codes.issue(sender, one.core % len(KNOWN) + 1).encode()
    control = coded.headers["control"]
    sealed = rest.seal(sender, control, {"subject": subject})
    return Message(sender, coded.value, {"control": control, "subject": sealed["subject"], "sealed": sealed["sealed"]})
