"""The hub's judgement of a batch: what came again, what is a copy, what is forged, what is allowed and what refused."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from schemas import topics
from schemas.control import FACELESS, Control
from schemas.message import Drop, Message, Outcome
from schemas.refusal import Refusal, RefusalCode, SecurityCode, SecurityEvent
from schemas.text import instant
from schemas.wire.envelope import Envelope
from services.hub import store
from services.hub.checking import Checker, Provision, answers, provision
from services.hub.permitting import PERMITTED, Note, Permitter, noted
from services.runtime import decisions
from services.runtime.decisions import Decided, Place
from services.runtime.directory import Directory
from services.runtime.postgres import Connection
from services.runtime.records import incident

NAME = "hub"


@dataclass(frozen=True)
class Submitted:
    """A submission of which only sizes, shape and spelling are known to be right."""

    message: Message
    envelope: Envelope
    said: Control

    @property
    def place(self) -> Place:
        return (self.said.sender, "permit", self.said.sender, self.said.id)

    def reply_place(self) -> tuple[str, str] | None:
        """(sender, id) of the inquiry that this answers."""
        return (self.said.receiver, self.said.in_reply_to.id) if self.said.in_reply_to else None


@dataclass(frozen=True)
class Judged:
    """A submission whose signature holds, and the decision that is proposed for it."""

    submitted: Submitted
    core: int | None
    decided: Decided
    provision: tuple[Provision, str] | None
    """What is recorded of a permitted message, with the instant of the decision."""
    note: Note | None = None
    """What `decided` notes, where it is new."""

    def noted(self, standing: Decided) -> Note:
        """What the standing decision notes."""
        return self.note if self.note is not None and standing is self.decided else noted(standing.note)


@dataclass(frozen=True)
class Judge:
    """Checks in the order of message.md; looks at the tables once for the whole batch."""

    checker: Checker
    permitter: Permitter

    async def judge(
        self, connection: Connection, submitted: Sequence[Submitted], outcomes: list[Outcome]
    ) -> list[Judged]:
        """Those that may be decided; copies and security events are added to `outcomes`."""
        known = await decisions.recall(connection, [one.place for one in submitted])
        named: list[tuple[Submitted, int | None, Decided | None]] = []
        for one in submitted:
            try:
                named.append((one, *self.named(one, known.get(one.place))))
            except SecurityEvent as event:
                outcomes += forged(one.message, event, self.checker.directory)
        persons = await store.known_persons(connection, {core for _, core, _ in named})
        asked = dict(await store.permitted(connection, {place for one, _, _ in named if (place := one.reply_place())}))
        judged = []
        for one, core, earlier in named:
            known_core = core if core in persons else None
            place = one.reply_place() or ("", "")
            judgement = Judged(one, core, earlier, None) if earlier else self.decided(one, known_core, asked.get(place))
            if judgement.provision and place in asked:
                asked[place] = replace(asked[place], answered=one.said.id)
            judged.append(judgement)
        return judged

    def named(self, one: Submitted, known: Decided | None) -> tuple[int | None, Decided | None]:
        """(core id, the earlier decision if this is its redelivery): signature, (sender, id), and U against hS."""
        if known is not None and known.source == one.message.source:
            return self._core(one), known
        self.checker.verify(one.envelope, one.message.key)
        if known is not None and known.digest != one.envelope.identity:
            raise SecurityEvent(SecurityCode.ID_REUSED, "the id was used with other content")
        return self._core(one), None

    def _core(self, one: Submitted) -> int | None:
        return None if one.said.kind in FACELESS else self.checker.person(one.envelope)

    def decided(self, one: Submitted, core: int | None, asked: Provision | None) -> Judged:
        """Permitted or refused, by the law, by what it answers, and by whom it is about; `core` is a known person's."""
        now = instant(self.checker.clock())
        try:
            self._allowed(one, core, asked, now)
        except Refusal as refusal:
            note = Note(rule=refusal.rule, time=now)
            return Judged(one, core, self._proposal(one, str(refusal.code), note), None, note)
        decision = self.permitter.decide(one.envelope, core)
        note = Note(decision=decision, time=decision.time)
        remembered = provision(one.said, one.envelope.identity, decision.digest, core)
        return Judged(one, core, self._proposal(one, PERMITTED, note), (remembered, decision.time), note)

    def _allowed(self, one: Submitted, core: int | None, asked: Provision | None, now: str) -> None:
        """Law first, and only then whether the person exists: the path to "not allowed" is the same for everybody."""
        if one.said.kind not in FACELESS:
            self.checker.lawful(one.said)
        if one.said.in_reply_to is not None:
            answers(one.said, core, asked, now)
        if one.said.kind not in FACELESS and core is None:
            raise Refusal(RefusalCode.UNKNOWN_PERSON, "hub: no such link code")
        self.permitter.require_receiver(one.said.receiver)

    def _proposal(self, one: Submitted, verdict: str, note: Note) -> Decided:
        text = note.encoded().decode()
        return Decided(one.place, one.envelope.identity, one.message.source, verdict, text, one.said.expires)


def forged(message: Message, event: SecurityEvent, directory: Directory) -> list[Outcome]:
    """A security event at the hub: logged and recorded, never answered. Of the headers only the control part is told on."""
    structlog.get_logger().warning("security event", service=NAME, code=str(event.code), reason=event.detail)
    kept = {name: data for name, data in message.headers.items() if name in ("control", "traceparent")}
    record = incident(replace(message, headers=kept), NAME, event, directory, topics.hub_recorded)
    return [Drop(message.position, str(event.code)), record]
