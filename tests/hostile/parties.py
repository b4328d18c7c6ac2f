"""A hub, two agencies that ask and answer each other, and what passes between them: all of it with real cryptography.

The synthetic worlds of the test vectors, one for each direction, under one directory. Hub and receiver are Renkei's own
functions, with the memories that their services give them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from schemas.catalogue import load_catalogue
from schemas.control import FACELESS, Reply
from schemas.directory import HUB, AgencyRecord, AssessmentRecord, Grant, PolicyRecord, Purpose, key_id
from schemas.law import load_table
from schemas.message import Message
from schemas.policy import Rules
from schemas.refusal import RefusalCode, part_of
from schemas.text import moment, to_text
from schemas.wire.envelope import Envelope
from schemas.wire.suites import Algorithm
from services.crypto.opening import Opened, Opener
from services.hub.checking import Checker
from services.hub.link_codes import LinkCodes
from services.runtime.directory import Directory
from services.runtime.keys import KeyRings, PrivateKey, Ring
from tests import enrolled
from tests.vectors.make import ANSWER, FUKUOKA, HAMAMATSU, INQUIRY, ITEM, OFFICER, ROOM, draft
from tests.vectors.world import EDITION, NOVEMBER, NOW, Draft, Key, World, sha256

DIRECTIONS: Final = ((HAMAMATSU, FUKUOKA), (FUKUOKA, HAMAMATSU))
CODES: Final = LinkCodes(sha256(b"synthetic permutation key"))
RULES: Final = Rules(load_table(), load_catalogue())
ANSWERED: Final = Reply(
    id="019ab1c2-0000-7000-8000-0000000000aa", message=to_text(sha256(b"asked")), decision=to_text(sha256(b"decided"))
)


@dataclass(frozen=True)
class Sent:
    """One message as its sender submits it and as the hub delivers it."""

    world: World
    draft: Draft
    submitted: Message
    delivered: Message


@dataclass(frozen=True)
class Parties:
    """Keys and messages of both directions; one signature over each sender's batch, one over the permits."""

    worlds: Sequence[World] = field(default_factory=lambda: [World("1", *each, "hostile") for each in DIRECTIONS])
    hubs: World = field(default_factory=lambda: World("1", HUB, HAMAMATSU, "hostile"))
    """Where the hub itself is the sender."""

    @cached_property
    def keys(self) -> Mapping[str, Key]:
        """By kid, of every agency and purpose."""
        return {key.kid: key for world in (*self.worlds, self.hubs) for key in world.keys.values()}

    @cached_property
    def sent(self) -> Sequence[Sent]:
        """Every kind of message, both ways."""
        return [sent for world in self.worlds for sent in exchanged(world, drafts(world))]

    @cached_property
    def refused(self) -> Message:
        """A refusal of the hub, as it is delivered: signed by the hub, without a permit."""
        said = next(each for each in drafts(self.hubs) if each.control.kind == "refusal")
        return self.hubs.delivered(self.hubs.sign([self.hubs.seal(said)])[0].envelope)

    def one(self, kind: str) -> Sent:
        """The first of a kind."""
        return next(sent for sent in self.sent if sent.draft.control.kind == kind)

    def clock(self) -> datetime:
        return moment(NOW)

    def directory(self) -> Directory:
        agencies = [world.sender for world in self.worlds]
        grant = Grant(office=OFFICER.office, role=OFFICER.role, rows="all")
        directory = Directory(
            roots={},
            clock=self.clock,
            beat=self.clock(),
            complete=self.clock(),
            edition=EDITION,
            agencies={code: _agency(code) for code in agencies},
            policies={code: PolicyRecord(agency=code, version=1, grants=[grant], automatic=grant) for code in agencies},
            assessments={code: AssessmentRecord(agency=code, version=1, rows="all") for code in agencies},
        )
        for key in self.keys.values():
            directory._put(key.record)
        return directory

    def rings(self) -> KeyRings:
        held: dict[str, list[PrivateKey]] = {}
        for key in self.keys.values():
            held.setdefault(key.record.agency, []).append(enrolled.held(key))
        for agency, keys in held.items():
            keys += [_symmetric(agency, "salt", "hmac-sha256"), _symmetric(agency, "data", "aes-256-gcm")]
        rings = {agency: Ring(agency=agency, keys=keys) for agency, keys in held.items()}
        return KeyRings(Path("unused"), b"", "", _rings=rings)

    def hub(self) -> "Hub":
        return Hub(Checker(self.rings(), self.directory(), RULES, CODES, self.clock))

    def receiver(self) -> "Receiver":
        return Receiver(Opener(self.rings(), self.directory(), self.clock))


@dataclass(frozen=True)
class Hub:
    """What the hub checks of a submission before it looks at its tables."""

    checker: Checker

    def verify(self, message: Message) -> Envelope:
        """Sizes, shape and spelling first, as the service does."""
        envelope = Envelope.of(message).read()
        self.checker.verify(envelope, message.key)
        return envelope

    def take(self, message: Message) -> Envelope:
        envelope = self.verify(message)
        if envelope.said.kind not in FACELESS:
            self.checker.person(envelope)
            self.checker.lawful(envelope.said)
        return envelope

    def opened(self) -> int:
        """How many keys were unwrapped, whatever for."""
        return len(self.checker.unwrapped._entries)


@dataclass(frozen=True)
class Receiver:
    """What a receiver checks of a delivery before it looks at its tables."""

    opener: Opener

    def take(self, message: Message) -> Opened:
        envelope, proof = self.opener.verify(message)
        self.opener.expired(envelope.said)
        return self.opener.open(envelope, proof)

    def opened(self) -> int:
        return len(self.opener.unwrapped._entries)


def drafts(world: World) -> list[Draft]:
    """A batch of the world's sender: every kind, small and large, answers that are automatic."""
    answer: dict[str, Any] = {"kind": "response", "in_reply_to": ANSWERED, "officer": "auto"}
    undecided = ANSWERED.model_copy(update={"decision": None})
    refusal = part_of(RefusalCode.NOT_ACCEPTING, "directory: hours").encoded()
    made = [
        draft("inquiry", 1, INQUIRY),
        draft("response", 2, ANSWER, **answer),
        draft("refusal", 3, refusal, kind="refusal", in_reply_to=undecided, officer="auto"),
        draft("receipt", 4, b"{}", kind="receipt", in_reply_to=ANSWERED, officer="auto"),
        draft("notification", 5, b"{}", kind="notification", non_disclosure=True),
        draft("another inquiry", 6, INQUIRY),
        draft("large response", 7, b"x" * (ROOM + 1), **answer, position=1),
    ]
    return [_between(world, each, place) for place, each in enumerate(made)]


def exchanged(world: World, said: Sequence[Draft]) -> list[Sent]:
    """The batch as its sender submits it and as the hub delivers it."""
    sealings = world.sign([world.seal(each) for each in said])
    permitted = world.permit([world.decide(sealing) for sealing in sealings])
    return [
        Sent(world, sealing.draft, world.submitted(sealing.envelope), world.delivered(envelope))
        for sealing, envelope in zip(sealings, permitted, strict=True)
    ]


def _between(world: World, said: Draft, person: int) -> Draft:
    """The same between the world's parties, about a person whom the hub can find; the line of the law is a real one."""
    basis = said.control.basis.model_copy(update={"procedure": None})
    parties = {"sender": world.sender, "receiver": world.receiver, "basis": basis}
    control = said.control.model_validate(said.control.model_copy(update=parties).model_dump(exclude_none=True))
    if control.kind in FACELESS:
        return replace(said, control=control)
    codes = [CODES.issue(agency, person).encode() for agency in (world.sender, world.receiver)]
    return replace(said, control=control, link_code=codes[0], receiver_link_code=codes[1])


def _agency(code: str) -> AgencyRecord:
    return AgencyRecord(agency=code, version=1, name=code, classes=["mayor"], items=[ITEM])


def _symmetric(agency: str, purpose: Purpose, algorithm: Algorithm) -> PrivateKey:
    """A key that has no record: an agency's own."""
    secret = sha256(f"synthetic {purpose} {agency}".encode())
    kid = key_id(agency, purpose, algorithm, sha256(secret))
    starts, until = NOVEMBER
    return PrivateKey(
        agency=agency,
        purpose=purpose,
        algorithm=algorithm,
        kid=kid,
        private=to_text(secret),
        starts=starts,
        until=until,
    )
