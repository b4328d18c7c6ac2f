"""Internal number to link code on the way out, link code to internal number on the way in (ID変換機能).

The business part passes through sealed and untouched: neither side ever sees the other's number or code.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from schemas import topics
from schemas.control import FACELESS
from schemas.message import Drop, Message, Outcome
from schemas.refusal import Refusal, RefusalCode
from schemas.topics import Topic
from schemas.trail import extended
from services.id_conversion import store
from services.id_conversion.store import LINK_CODE, NUMBER, Value
from services.runtime.directory import Directory
from services.runtime.postgres import Database, database
from services.runtime.records import finding, giving_back, recorded, refused
from services.runtime.rest import INTERNAL, LINK, AtRest
from services.runtime.service import Environment, Service

NAME = "id_conversion"


@dataclass(frozen=True)
class Conversion:
    """What converting needs."""

    rest: AtRest
    directory: Directory
    database: Database

    def subject(self, message: Message) -> bytes:
        """The person as the record names it: a letter, then internal number or link code."""
        return self.rest.open(message, "subject")

    def look_up(self, message: Message, subject: bytes) -> Value:
        """(agency, look-up value) of a subject."""
        kind = NUMBER if subject[:1] == INTERNAL else LINK_CODE
        return (message.key, self.rest.index(message.key, kind, subject[1:]))

    def renamed(self, message: Message, subject: bytes) -> dict[str, bytes]:
        """The header that names the same person otherwise, sealed anew."""
        sealed = self.rest.seal(message.key, message.headers["control"], {"subject": subject})
        return {"subject": sealed["subject"]}


async def code(messages: Sequence[Message], conversion: Conversion) -> list[Outcome]:
    """Every message leaves about a link code; an own inquiry about somebody without one is refused."""
    subjects = {message.position: conversion.subject(message) for message in messages if _has_subject(message)}
    wanted = {
        message.position: conversion.look_up(message, subject)
        for message in messages
        if (subject := subjects.get(message.position, b""))[:1] == INTERNAL
    }
    async with conversion.database.transaction({message.key for message in messages}) as connection:
        found = await store.link_codes(connection, conversion.rest, set(wanted.values()))
    return [
        outcome for message in messages for outcome in _coded(message, wanted.get(message.position), found, conversion)
    ]


async def convert(messages: Sequence[Message], conversion: Conversion) -> list[Outcome]:
    """Every message goes on about an internal number; a link code without a row stays as it is (住登外者, no_data)."""
    wanted = {
        message.position: conversion.look_up(message, conversion.subject(message))
        for message in messages
        if _has_subject(message)
    }
    async with conversion.database.transaction({message.key for message in messages}) as connection:
        found = await store.numbers(connection, conversion.rest, set(wanted.values()))
    return [_converted(message, wanted.get(message.position), found, conversion) for message in messages]


async def pass_judgement(messages: Sequence[Message], conversion: Conversion) -> list[Outcome]:
    """An inquiry that had to be set aside on its way in: the verdict goes on to the block's composer of refusals."""
    refusal = Refusal(RefusalCode.INTERNAL_ERROR, "quarantine")
    return [
        message.carried(topics.inbound_asked, trail=extended(b"", finding(NAME, refusal, conversion.directory)))
        if message.control.kind == "inquiry"
        else Drop(message.position, "aside")
        for message in messages
    ]


def _has_subject(message: Message) -> bool:
    return message.control.kind not in FACELESS


def _coded(
    message: Message, wanted: Value | None, found: Mapping[Value, bytes], conversion: Conversion
) -> list[Outcome]:
    if wanted is None:  # a refusal has no subject, and an answer about a link code without a row keeps it
        return _leaving(message, {}, conversion)
    link_code = found.get(wanted)
    if link_code is None:
        refusal = Refusal(RefusalCode.UNKNOWN_PERSON, "code conversion table")
        return [
            *refused(
                message, NAME, refusal, conversion.directory, topics.intermediate_recorded, topics.outbound_refused
            )
        ]
    return _leaving(message, conversion.renamed(message, LINK + link_code), conversion)


def _leaving(message: Message, renamed: Mapping[str, bytes], conversion: Conversion) -> list[Outcome]:
    """The last step of a trip out of the block is recorded; its trail stays behind."""
    findings = extended(message.headers.get("trail", b""), finding(NAME, "coded", conversion.directory))
    return [
        message.carried(topics.outbound_coded, trail=b"", **renamed),
        recorded(message, topics.intermediate_recorded, findings),
    ]


def _converted(message: Message, wanted: Value | None, found: Mapping[Value, bytes], conversion: Conversion) -> Outcome:
    topic: Topic = topics.inbound_asked if message.control.kind == "inquiry" else topics.inbound_answered
    number = found.get(wanted) if wanted else None
    return message.carried(topic, **(conversion.renamed(message, INTERNAL + number) if number else {}))


@asynccontextmanager
async def open_conversion(environment: Environment) -> AsyncIterator[Conversion]:
    """The intermediate key rings and the code conversion table."""
    async with database(environment) as tables:
        yield Conversion(AtRest(environment.keys, environment.clock), environment.directory, tables)


service = Service(
    NAME,
    "intermediate",
    reads={topics.outbound_composed: code, topics.inbound_opened: convert},
    writes=[
        topics.outbound_coded,
        topics.inbound_asked,
        topics.inbound_answered,
        topics.outbound_refused,
        topics.intermediate_recorded,
    ],
    aside={
        topics.outbound_composed: giving_back(NAME, topics.intermediate_recorded),
        topics.inbound_opened: pass_judgement,
    },
    resources=open_conversion,
    tables=True,
    ring="intermediate",
)
