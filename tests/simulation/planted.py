"""Bugs that the simulation must find: each is put into the running code from outside, for as long as a test wants it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from schemas import topics
from schemas.message import Message, Position
from schemas.refusal import Refusal
from schemas.topics import Topic
from schemas.wire import envelope, seal
from schemas.wire.envelope import Envelope
from services.exchange import store as exchange
from services.hub.permitting import Granted, Note, Permitter
from services.routing import store as routing
from services.runtime import decisions
from services.runtime.decisions import Decided, Relation
from services.runtime.log import NONE, Reader
from services.runtime.shortcut import Shortcut
from services.runtime.trial import Aside, SetAside, Trial
from tests.simulation.client import Client
from tests.simulation.log import Cluster, Member
from tests.simulation.statements import STATEMENTS
from tests.simulation.statements.rows import Row, Rows, Statement, found, zipped


@contextmanager
def emitted_once() -> Iterator[None]:
    """A decision point emits only what it has just stored: what comes again is dropped as if it were a copy."""
    relation = decisions.relation

    def forgetful(standing: Decided, proposal: Decided) -> Relation:
        found = relation(standing, proposal)
        return "copy" if found == "again" else found

    with patch.object(decisions, "relation", forgetful):
        yield


@contextmanager
def bare_commit() -> Iterator[None]:
    """Commits are of what was read, as aiokafka's `commit()` without offsets is."""
    commit = Member.commit

    async def bare(member: Member, attempts: Mapping[Position, int] = NONE) -> None:
        member._done = dict(member._next)
        await commit(member, attempts)

    with patch.object(Member, "commit", bare):
        yield


@contextmanager
def faceless_identity() -> Iterator[None]:
    """M says nothing of the person."""
    identity = envelope.identity

    def without_person(control_part: bytes, business: bytes, subject: bytes) -> bytes:
        return identity(control_part, business, b"")

    with patch.object(envelope, "identity", without_person), patch.object(seal, "identity", without_person):
        yield


@contextmanager
def unlocked() -> Iterator[None]:
    """Exchanges and cases are read without FOR UPDATE: two transactions may end, or answer, what both saw open."""

    def reading(table: str) -> Statement:
        async def read(rows: Rows, *columns: Sequence[Any]) -> list[Row]:
            return [row for _, row in sorted(found(rows, table, zipped(*columns)), key=lambda one: one[0])]

        return read

    loose = {exchange._STANDING: reading("exchanges"), routing._STANDING: reading("cases")}
    with patch.dict(STATEMENTS, loose):
        yield


@contextmanager
def unordered() -> Iterator[None]:
    """A batch is published from its end."""
    publish = Client.publish

    async def backwards(client: Client, records: Sequence[tuple[Topic, Message]]) -> None:
        await publish(client, records[::-1])

    with patch.object(Client, "publish", backwards):
        yield


@contextmanager
def overtaking() -> Iterator[None]:
    """A block hands everything on directly, whatever another layout has left in its topics."""

    async def at_once(shortcut: Shortcut, reader: Reader) -> Collection[Topic]:
        return shortcut.chain.onward(shortcut.stage)

    with patch.object(Shortcut, "topics", at_once):
        yield


@contextmanager
def lost() -> Iterator[None]:
    """Of each execution's first inquiry nothing arrives at routing."""
    append = Cluster.append

    def dropping(cluster: Cluster, topic: Topic, message: Message) -> None:
        if topic != topics.inbound_asked or not message.control.id.endswith("01"):
            append(cluster, topic, message)

    with patch.object(Cluster, "append", dropping):
        yield


@contextmanager
def forgotten() -> Iterator[None]:
    """What is set aside counts as done, and is nowhere."""
    settle = Trial._settle

    async def nowhere(trial: Trial, set_aside: SetAside) -> None:
        async def into_nothing(_: Sequence[Aside]) -> None:
            pass

        await settle(trial, into_nothing)

    with patch.object(Trial, "_settle", nowhere):
        yield


@contextmanager
def decided_anew() -> Iterator[None]:
    """The hub decides again what comes again: a second D for one message."""
    stored = Permitter.stored

    def anew(
        self: Permitter, envelope: Envelope, core: int | None, verdict: str, note: Note
    ) -> Granted | Envelope | Refusal:
        grant = stored(self, envelope, core, verdict, note)
        return replace(grant, decision=self.decide(envelope, core)) if isinstance(grant, Granted) else grant

    with patch.object(Permitter, "stored", anew):
        yield
