"""Whether a person exists is not told where the law does not allow the question, also not by how long "no" takes.

Not measured, which would show nothing on a busy machine, but traced: every function of ours that is called, every statement
and every topic is the same, one after the other, for somebody who exists and for somebody who does not.
"""

import gc
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any, Final, cast

import pytest

from schemas import topics
from schemas.message import Drop, Message, Outcome, Position
from schemas.topics import Topic
from schemas.trail import Finding, Trail
from services.authorization.service import Policy
from services.authorization.service import service as authorization
from services.crypto.receiving import Receiver
from services.hub.judging import Judge
from services.hub.permitting import Permitter
from services.hub.publishing import Publisher
from services.hub.service import Hub, permit
from services.runtime.memory import MemoryLog
from services.runtime.postgres import Database
from services.runtime.rest import LINK, AtRest
from services.runtime.wrapping import ContentKeys
from tests.hostile.parties import CODES, RULES, Parties, exchanged
from tests.vectors.make import INQUIRY, draft
from tests.vectors.world import Draft, World

OURS: Final = tuple(str(Path(__file__).parents[2] / folder) for folder in ("schemas", "services"))
KNOWN, GONE = 7, 8
"""Core ids: of a person whom the hub knows, and of one whom it does not."""
PERSONS: Final[dict[str, bytes]] = {
    "first of all": CODES.issue("221309", KNOWN).encode(),
    "known": CODES.issue("221309", KNOWN).encode(),
    "unknown": CODES.issue("221309", GONE).encode(),
    "never issued": b"0123456789abcdef" * 2,
}
"""Link codes at the asker; the first fills the memories of public-key work, which know keys and batches, and no persons."""


@dataclass
class Tables:
    """A database that holds one person, and says which statements it was asked."""

    statements: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def transaction(self, agencies: Iterable[str]) -> AsyncIterator["Tables"]:
        self.statements.append("BEGIN")
        yield self

    async def fetch(self, query: str, *values: Any) -> list[dict[str, Any]]:
        self.statements.append(query)
        if "FROM persons" in query:
            return [{"core": core} for core in values[1] if core == KNOWN]
        if "INSERT INTO decisions" in query:
            columns = ("agency", "step", "sender", "id")
            return [dict(zip(columns, row, strict=True)) for row in zip(*values[:4], strict=True)]
        return []

    async def execute(self, query: str, *values: Any) -> None:
        self.statements.append(query)


@dataclass(frozen=True)
class Way:
    """What was done for one message, in order."""

    calls: Sequence[str]
    statements: Sequence[str]
    ended: Sequence[str]


@contextmanager
def _traced() -> Iterator[list[str]]:
    """The functions of ours that are called in the meantime."""
    calls: list[str] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(OURS):
            calls.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_qualname}")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(before)


async def _path(tables: Tables, step: Callable[[], Awaitable[Sequence[Outcome]]]) -> Way:
    tables.statements.clear()
    for memory in [one for one in gc.get_objects() if type(one).__name__ == "_lru_cache_wrapper"]:
        memory.cache_clear()
    with _traced() as calls:
        outcomes = await step()
    return Way(list(calls), list(tables.statements), [_ended(outcome) for outcome in outcomes])


def _ended(outcome: Outcome) -> str:
    return f"dropped: {outcome.reason}" if isinstance(outcome, Drop) else str(outcome.topic)


@pytest.fixture
def parties() -> Parties:
    return Parties()


def unlawful(world: World) -> list[Draft]:
    """The same forbidden question about each of the persons: the line of the law table does not name the item."""
    basis = {"edition": "2015-12-27", "row": "1", "branch": 1}
    return [
        replace(
            draft(name, place, INQUIRY, sender=world.sender, receiver=world.receiver, basis=basis),
            link_code=code,
            receiver_link_code=code,
        )
        for place, (name, code) in enumerate(PERSONS.items(), 10)
    ]


def judged(paths: dict[str, Way], ends: Sequence[str]) -> None:
    """All the same, and not for want of anything: there is a path, and it leads to the refusal."""
    del paths["first of all"]
    known = paths["known"]
    assert len(known.calls) > 10
    assert list(known.ended) == list(ends)
    assert paths == dict.fromkeys(paths, known)


async def test_own_authorization(parties: Parties) -> None:
    """The own side's check sees the control part alone: what is sealed beside it may be anybody."""
    world, tables = parties.worlds[0], Tables()
    policy, rest = Policy(parties.directory(), RULES, MemoryLog(parties.clock)), AtRest(parties.rings(), parties.clock)
    paths = {}
    for place, said in enumerate(unlawful(world)):
        control = said.control.encoded()
        sealed = rest.seal(world.sender, control, {"value": said.business, "subject": LINK + said.link_code})
        headers = {"control": control, "subject": sealed["subject"], "sealed": sealed["sealed"]}
        message = _at(topics.outbound_coded, place, Message(world.sender, sealed["value"], headers))
        step = authorization.reads[topics.outbound_coded]
        paths[said.name] = await _path(tables, lambda step=step, message=message: step([message], policy))  # type: ignore[misc]
    judged(paths, ["outbound.refused", "linkage.recorded"])


async def test_hub(parties: Parties) -> None:
    """Signature, person, law: the refusal is composed before anybody is looked up for it, and after the same steps."""
    tables = Tables()
    database = cast(Database, tables)
    keys, directory, clock = parties.rings(), parties.directory(), parties.clock
    permitter = Permitter(keys, directory, CODES, ContentKeys(clock), clock)
    publisher = cast(Publisher, None)
    hub = Hub(Judge(parties.hub().checker, permitter), permitter, publisher, database)
    paths = {}
    for place, sent in enumerate(exchanged(parties.worlds[0], unlawful(parties.worlds[0]))):
        message = _at(topics.network_submitted, place, sent.submitted)
        paths[sent.draft.name] = await _path(tables, lambda message=message: permit([message], hub))  # type: ignore[misc]
    judged(paths, ["network.delivered", "hub.recorded"])


async def test_receiver(parties: Parties) -> None:
    """What authorization forbids is refused unopened: whom it is about is never looked at."""
    tables = Tables()
    opener, rest = parties.receiver().opener, AtRest(parties.rings(), parties.clock)
    receiver = Receiver(opener, rest, parties.directory(), cast(Database, tables))
    verdict = Finding(layer="authorization", outcome="not_in_law_table", rule="table2", edition=1)
    trail = Trail(findings=[verdict]).encoded()
    paths = {}
    for place, sent in enumerate(exchanged(parties.worlds[0], unlawful(parties.worlds[0]))):
        message = _at(topics.inbound_authorized, place, sent.delivered)
        message = replace(message, headers={**message.headers, "trail": trail})
        paths[sent.draft.name] = await _path(tables, lambda message=message: receiver.receive([message]))  # type: ignore[misc]
    judged(paths, ["outbound.authorized", "linkage.recorded"])
    assert not opener.unwrapped._entries


def _at(topic: Topic, place: int, message: Message) -> Message:
    position = Position(topic.name, 0, place)
    return replace(message, position=position, source=str(position))
