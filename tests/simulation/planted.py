"""Bugs that the simulation must find: each is put into the running code from outside, for as long as a test wants it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from unittest.mock import patch

from schemas.message import Position
from schemas.wire import envelope, seal
from services.runtime import decisions
from services.runtime.decisions import Decided, Relation
from services.runtime.log import NONE
from tests.simulation.log import Member


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
