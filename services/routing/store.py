"""The cases of routing: every incoming inquiry with its state (処理状況), and the answer that left for it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.message import Message
from services.runtime.postgres import Connection

Case = tuple[str, str, str]
"""(answering agency, asking agency, id of the inquiry)"""
State = Literal["asked", "answered", "waiting_manual"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A composed answer: control part, and subject and value sealed for it under the agency's data key."""

    control: bytes
    subject: bytes
    value: bytes
    sealed: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A case as it stands."""

    state: State
    answer: Answer | None


def case_of(message: Message) -> Case:
    """The case that an inquiry opens."""
    return (message.key, message.control.sender, message.control.id)


async def open_cases(connection: Connection, inquiries: Sequence[tuple[Message, str]]) -> None:
    """A case for each (inquiry, instant of receipt); one that is there already stays as it is."""
    rows = sorted({case_of(message): (message, received) for message, received in inquiries}.items())
    if not rows:
        return
    messages = [message for _, (message, _) in rows]
    await connection.execute(
        _OPEN,
        *_columns([case for case, _ in rows]),
        [message.control.exchange for message in messages],
        [received for _, (_, received) in rows],
        [message.control.expires for message in messages],
        [message.headers["control"] for message in messages],
        [message.headers["subject"] for message in messages],
        [message.value for message in messages],
        [message.headers["sealed"].decode() for message in messages],
        [message.headers["proof"] for message in messages],
    )


async def standing(connection: Connection, cases: Collection[Case]) -> Mapping[Case, Standing]:
    """The cases as they stand, locked in order until the transaction ends."""
    if not cases:
        return {}
    rows = await connection.fetch(_STANDING, *_columns(sorted(cases)))
    return {(row["agency"], row["sender"], row["id"]): _standing(row) for row in rows}


async def answer(connection: Connection, answers: Mapping[Case, Answer]) -> None:
    """The one transition from `asked` to `answered`, with what left."""
    rows = sorted(answers.items())
    if rows:
        await connection.execute(
            _ANSWER,
            *_columns([case for case, _ in rows]),
            [one.control for _, one in rows],
            [one.subject for _, one in rows],
            [one.value for _, one in rows],
            [one.sealed for _, one in rows],
        )


async def park(connection: Connection, cases: Collection[Case]) -> None:
    """To be decided by a person (手動応答): nothing leaves for these by itself."""
    if cases:
        await connection.execute(_PARK, *_columns(sorted(cases)))


def _columns(cases: Sequence[Case]) -> list[list[object]]:
    agencies, senders, ids = zip(*cases, strict=True)
    return [list(agencies), list(senders), list(ids)]


def _standing(row: Mapping[str, object]) -> Standing:
    state, control = row["state"], row["answer_control"]
    if control is None:
        return Standing(state, None)  # type: ignore[arg-type]  # the table's CHECK lists the states
    answer = Answer(control, row["answer_subject"], row["answer_value"], row["answer_sealed"])  # type: ignore[arg-type]
    return Standing(state, answer)  # type: ignore[arg-type]


_OPEN = """
INSERT INTO cases (agency, sender, id, exchange, state, received, expires, control, subject, value, sealed, proof)
SELECT agency, sender, id, exchange, 'asked', received::timestamptz, expires::timestamptz, control, subject, value, sealed,
       proof
FROM unnest($1::text[], $2::text[], $3::text[]::uuid[], $4::text[]::uuid[], $5::text[], $6::text[], $7::bytea[],
            $8::bytea[], $9::bytea[], $10::text[], $11::bytea[])
     AS opened (agency, sender, id, exchange, received, expires, control, subject, value, sealed, proof)
ORDER BY agency, sender, id
ON CONFLICT DO NOTHING
"""
_STANDING = """
SELECT c.agency, c.sender, c.id::text AS id, c.state, c.answer_control, c.answer_subject, c.answer_value, c.answer_sealed
FROM unnest($1::text[], $2::text[], $3::text[]::uuid[]) AS wanted (agency, sender, id)
JOIN cases AS c USING (agency, sender, id)
ORDER BY c.agency, c.sender, c.id
FOR UPDATE OF c
"""
_ANSWER = """
UPDATE cases AS c
SET state = 'answered', answer_control = a.control, answer_subject = a.subject, answer_value = a.value,
    answer_sealed = a.sealed
FROM unnest($1::text[], $2::text[], $3::text[]::uuid[], $4::bytea[], $5::bytea[], $6::bytea[], $7::text[])
     AS a (agency, sender, id, control, subject, value, sealed)
WHERE c.agency = a.agency AND c.sender = a.sender AND c.id = a.id AND c.state = 'asked'
"""
_PARK = """
UPDATE cases AS c
SET state = 'waiting_manual', answer_control = NULL, answer_subject = NULL, answer_value = NULL, answer_sealed = NULL
FROM unnest($1::text[], $2::text[], $3::text[]::uuid[]) AS p (agency, sender, id)
WHERE c.agency = p.agency AND c.sender = p.sender AND c.id = p.id
"""
