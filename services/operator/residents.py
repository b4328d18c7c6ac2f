"""What an agency's business systems tell the exchange about its residents: who is who at the hub, copies, flags, staff."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas import canonical, topics
from schemas.catalogue import load_catalogue
from schemas.control import Item, Officer
from schemas.directory import HUB
from schemas.message import Message
from schemas.replica import Registration
from schemas.text import instant
from services.exchange import store as exchange
from services.hub import store as hub
from services.hub.link_codes import LinkCodes
from services.id_conversion import store as id_conversion
from services.id_conversion.store import Code
from services.operator.identifiers import uuid7
from services.operator.installation import Installation
from services.operator.tables import at_rest, now, rings, tables
from services.routing import store as routing
from services.runtime.kafka.log import KafkaLog
from services.runtime.rest import INTERNAL, AtRest

PART = 1000

Person = Mapping[str, str]
"""One person's internal number at each agency that knows them."""


@dataclass(frozen=True)
class Replica:
    """Copies (副本) of one item of one person for one fiscal year."""

    agency: str
    number: str
    item: Item
    year: int
    records: Sequence[Mapping[str, object]]


async def enroll(installation: Installation, persons: Sequence[Person]) -> None:
    """The hub gives each person a core id and link codes; each agency's code conversion table learns its own (符号取得).

    `MissingKey`, before anything is written, for an agency without a data key here."""
    held = rings(installation, "hub").of(HUB).current("permutation", instant(now()))
    codes, rest = LinkCodes(held.secret), at_rest(installation)
    for agency in {agency for person in persons for agency in person}:
        rest.key(agency)
    async with tables(installation, "hub") as database, database.transaction({HUB}) as connection:
        cores = await hub.add_persons(connection, len(persons))
    bound = [
        Code(agency, number.encode(), codes.issue(agency, core).encode())
        for person, core in zip(persons, cores, strict=True)
        for agency, number in person.items()
    ]
    async with tables(installation, "id_conversion") as database:
        for start in range(0, len(bound), PART):
            part = bound[start : start + PART]
            async with database.transaction({code.agency for code in part}) as connection:
                await id_conversion.enroll(connection, rest, part)


async def link_code(installation: Installation, agency: str, number: bytes) -> bytes:
    """By which the agency names a resident of its own to the hub (リンクコード)."""
    rest = at_rest(installation)
    value = (agency, rest.index(agency, id_conversion.NUMBER, number))
    async with tables(installation, "id_conversion") as database, database.transaction({agency}) as connection:
        return (await id_conversion.link_codes(connection, rest, {value}))[value]


async def register(installation: Installation, replicas: Sequence[Replica]) -> None:
    """Publishes copies, sealed; each is checked against the catalogue first. Raises ValueError without the value."""
    rest, catalogue = at_rest(installation), load_catalogue()
    log = KafkaLog(installation.kafka())
    try:
        for start in range(0, len(replicas), PART):
            messages = []
            for replica in replicas[start : start + PART]:
                item = catalogue.item(replica.item.name, replica.item.layout)
                if item is None:
                    raise ValueError(f"the catalogue has no item {replica.item.name} of layout {replica.item.layout}")
                for record in replica.records:
                    item.validate(record)
                messages.append((topics.replica_registered, _registered(replica, rest)))
            await log.publish(messages)
    finally:
        await log.close()


async def flag(installation: Installation, agency: str, number: str, automatic: bool) -> None:
    """Whether answers about the person may be automatic (自動応答不可)."""
    registration = Registration(id=uuid7(), agency=agency, kind="person", automatic=automatic)
    log = KafkaLog(installation.kafka())
    try:
        message = _message(registration, number, canonical.encode([]), at_rest(installation))
        await log.publish([(topics.replica_registered, message)])
    finally:
        await log.close()


async def load_staff(installation: Installation, agency: str, officers: Sequence[Officer]) -> None:
    """Replaces the agency's list of staff (職員権限)."""
    async with tables(installation, "exchange") as database, database.transaction({agency}) as connection:
        await exchange.load_staff(connection, agency, officers)


def _registered(replica: Replica, rest: AtRest) -> Message:
    registration = Registration(id=uuid7(), agency=replica.agency, kind="replica", item=replica.item, year=replica.year)
    return _message(registration, replica.number, canonical.encode(list(replica.records)), rest)


def _message(registration: Registration, number: str, records: bytes, rest: AtRest) -> Message:
    control = registration.encoded()
    sealed = rest.seal(registration.agency, control, {"value": records, "subject": INTERNAL + number.encode()})
    headers = {"control": control, "subject": sealed["subject"], "sealed": sealed["sealed"]}
    return Message(key=registration.agency, value=sealed["value"], headers=headers)


async def case_state(installation: Installation, agency: str, sender: str, exchange: str) -> str:
    """How the answering side sees an inquiry (処理状況): asked, answered or waiting_manual."""
    async with tables(installation, "routing") as database, database.transaction({agency}) as connection:
        case = (agency, sender, exchange)
        standing = await routing.standing(connection, {case})
    return standing[case].state if case in standing else "unknown"
