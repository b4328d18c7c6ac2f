"""The answer goes out: automatically where the agency's policy and the person's flag allow it, else it waits for a person.

The case is the decision: what left for it is kept, and leaves again unchanged when the question comes again, whatever the
reference database says now.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas import proof, topics
from schemas.control import LIFETIME, Control, replying
from schemas.message import Drop, Emit, Message, Outcome
from schemas.replica import Found, read_found
from schemas.text import instant, later
from schemas.trail import extended
from schemas.wire.frame import derived_id
from services.routing import store
from services.routing.store import Answer, Case, Standing, case_of
from services.runtime.clock import Clock
from services.runtime.directory import Directory
from services.runtime.postgres import Database
from services.runtime.records import finding, recorded
from services.runtime.rest import AtRest

NAME = "routing"
WAITING = "waiting_manual"
NO_CASE = "no_case"


@dataclass(frozen=True)
class Answerer:
    """What answering needs."""

    rest: AtRest
    directory: Directory
    database: Database
    clock: Clock

    async def answer(self, messages: Sequence[Message]) -> list[Outcome]:
        """Every case is answered once, or parked; a case that was answered gives its answer again."""
        async with self.database.transaction({message.key for message in messages}) as connection:
            standing = dict(await store.standing(connection, {case_of(message) for message in messages}))
            lost: list[Outcome] = [
                Drop(message.position, NO_CASE) for message in messages if case_of(message) not in standing
            ]
            messages = [message for message in messages if case_of(message) in standing]
            answers: dict[Case, Answer] = {}
            parked: set[Case] = set()
            for message in messages:
                case = case_of(message)
                if standing[case].state == "asked":
                    standing[case] = self._decided(message)
                    self._sort(case, standing[case], answers, parked)
            await store.answer(connection, answers)
            await store.park(connection, parked)
        answered = [outcome for message in messages for outcome in self._outcome(message, standing[case_of(message)])]
        return lost + answered

    async def take_back(self, messages: Sequence[Message]) -> list[Outcome]:
        """An answer that the own side refused on its way out waits for a person: the asker is owed one."""
        answers = [message for message in messages if message.control.kind == "response"]
        cases = {_answered(message.control) for message in answers}
        async with self.database.transaction({message.key for message in messages}) as connection:
            await store.park(connection, cases)
        dropped: list[Outcome] = [
            Drop(message.position, "not_an_answer") for message in messages if message not in answers
        ]
        for message in answers:
            findings = extended(b"", finding(NAME, WAITING, self.directory))
            dropped += [Drop(message.position, WAITING), recorded(message, topics.intermediate_recorded, findings)]
        return dropped

    def _sort(self, case: Case, decided: Standing, answers: dict[Case, Answer], parked: set[Case]) -> None:
        if decided.answer is None:
            parked.add(case)
        else:
            answers[case] = decided.answer

    def _decided(self, message: Message) -> Standing:
        """自動応答 or 手動応答."""
        found = read_found(self.rest.open(message, "value"))
        policy = self.directory.policies.get(message.key)
        if not found.automatic or policy is None or policy.automatic is None:
            return Standing("waiting_manual", None)
        return Standing("answered", self._composed(message, found))

    def _composed(self, message: Message, found: Found) -> Answer:
        control = responding(message, instant(self.clock())).encoded()
        subject = self.rest.open(message, "subject")
        sealed = self.rest.seal(message.key, control, {"value": found.answer, "subject": subject})
        return Answer(control, sealed["subject"], sealed["value"], sealed["sealed"].decode())

    def _outcome(self, message: Message, standing: Standing) -> list[Outcome]:
        if standing.answer is None:
            findings = extended(message.headers.get("trail", b""), finding(NAME, WAITING, self.directory))
            return [Drop(message.position, WAITING), recorded(message, topics.intermediate_recorded, findings)]
        return [_leaving(message, standing.answer)]


def responding(message: Message, now: str) -> Control:
    """The control part of the answer (応答): parties swapped, same basis and item, naming what it answers."""
    asked, verified = message.control, proof.read(message.headers["proof"])
    return replying(
        asked,
        "response",
        id=derived_id(verified.identity, "response", asked.sender, 0),
        message=verified.message,
        decision=verified.decision,
        created=now,
        expires=later(now, LIFETIME),
    )


def _answered(control: Control) -> Case:
    assert control.in_reply_to is not None
    return (control.sender, control.receiver, control.in_reply_to.id)


def _leaving(message: Message, answer: Answer) -> Emit:
    headers = {"control": answer.control, "subject": answer.subject, "sealed": answer.sealed.encode()}
    return message.caused(topics.outbound_composed, answer.value, headers)
