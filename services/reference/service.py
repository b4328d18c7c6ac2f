"""Given search keys, take residents' information from the reference database (連携情報保管機能, 参照用DB)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Final

from schemas import canonical, topics
from schemas.business import LIMIT as BUSINESS_LIMIT
from schemas.business import MOST_RECORDS, AnswerPart, Days, FiscalYear, Period, check_inquiry
from schemas.catalogue import Catalogue, load_catalogue
from schemas.control import Item
from schemas.message import Drop, Message, Outcome, Position
from schemas.number import is_number
from schemas.replica import LIMIT, Found, Registration
from schemas.text import decoded
from services.reference import store
from services.reference.registering import WITHDRAWN, check_copies
from services.reference.store import Order, Person, Replica, Wanted
from services.runtime.postgres import Database, database
from services.runtime.rest import INTERNAL, AtRest, Unreadable
from services.runtime.service import Environment, Service

NAME = "reference"
PERSON = "reference"
"""Kind of the look-up value of an internal number in these tables."""
NOTHING: Final = AnswerPart(outcome="no_data").encoded()
NO_DATA: Final = Found(automatic=True, answer=NOTHING)
ENVELOPE: Final = 1024
"""Bytes that a business part has around its records, at most."""


@dataclass(frozen=True)
class Reference:
    """What finding and registering need."""

    rest: AtRest
    catalogue: Catalogue
    database: Database

    def person(self, message: Message) -> Person | None:
        """Whose copies are meant; None for a link code without a row, who has none."""
        subject = self.rest.open(message, "subject")
        return self.known_as(message.key, subject[1:]) if subject[:1] == INTERNAL else None

    def known_as(self, agency: str, number: bytes) -> Person:
        """The person whom an agency knows by this internal number."""
        return (agency, self.rest.index(agency, PERSON, number))


async def find(messages: Sequence[Message], reference: Reference) -> list[Outcome]:
    """Every request is answered with what is there, and whether it may leave automatically."""
    wanted = [_wanted(message, reference) for message in messages]
    asked = [one for one in wanted if one is not None]
    async with reference.database.transaction({message.key for message in messages}) as connection:
        found = await store.find(connection, asked)
        manual = await store.manual(connection, {one.person for one in asked})
    parts = iter(_found(one, found.get(place, []), manual, reference) for place, one in enumerate(asked))
    return [
        _carried(message, NO_DATA if one is None else next(parts), reference)
        for message, one in zip(messages, wanted, strict=True)
    ]


async def register(messages: Sequence[Message], reference: Reference) -> list[Outcome]:
    """Every copy or flag is stored, unless a later one of the topic was; one of another form is dropped, counted."""
    outcomes: list[Outcome] = []
    replicas: list[tuple[Replica, Order]] = []
    flags: list[tuple[Person, bool, Order]] = []
    for message in messages:
        try:
            registered = _registered(message, reference)
        except (canonical.Malformed, Unreadable, ValueError):
            outcomes.append(Drop(message.position, "malformed"))
            continue
        if isinstance(registered, Replica):
            replicas.append((registered, _order(message)))
        else:
            flags.append((*registered, _order(message)))
        outcomes.append(Drop(message.position, "registered"))
    agencies = {one.person[0] for one, _ in replicas} | {person[0] for person, _, _ in flags}
    async with reference.database.transaction(agencies) as connection:
        await store.register(connection, replicas)
        await store.flag(connection, flags)
    return outcomes


def _registered(message: Message, reference: Reference) -> Replica | tuple[Person, bool]:
    """What a record registers, once it opens, is of this site, and fits the catalogue: what is stored must be answerable.

    Raises `Malformed`, `Unreadable` or ValueError."""
    registration = decoded(Registration, message.headers.get("control", b""), 4096)
    if len(message.value) > LIMIT or registration.agency != message.key or not reference.rest.holds(message):
        raise canonical.Malformed("too large, or not sealed by an agency of this site")
    subject = reference.rest.open(message, "subject")
    if subject[:1] != INTERNAL or not is_number(subject[1:]):
        raise canonical.Malformed("the subject is no internal number")
    person = reference.known_as(message.key, subject[1:])
    if registration.item is None or registration.year is None:
        return person, bool(registration.automatic)
    check_copies(registration, reference.rest.open(message, "value"), reference.catalogue)
    return _replica(message, registration.item, registration.year, person)


def _order(message: Message) -> Order:
    """Of its first reading, where the operator has released it. All of an agency stand in one partition."""
    return Position.parse(message.source).offset, message.time


def fiscal_years(period: Period) -> tuple[int, int]:
    """The fiscal years (年度, April to March) that a period touches, first and last."""
    match period:
        case FiscalYear():
            return (period.year, period.year)
        case Days():
            return (_fiscal_year(period.starts), _fiscal_year(period.ends))


def _fiscal_year(day: str) -> int:
    moment = date.fromisoformat(day)
    return moment.year if moment.month >= 4 else moment.year - 1


def _wanted(message: Message, reference: Reference) -> Wanted | None:
    person = reference.person(message)
    if person is None:
        return None
    item = message.control.item
    period = check_inquiry(reference.rest.open(message, "value")).period
    return Wanted(person, item.name, item.layout, fiscal_years(period))


def _found(wanted: Wanted, replicas: Sequence[Replica], manual: set[Person], reference: Reference) -> Found:
    stored = [_records(replica, reference) for replica in replicas]
    copies = [records for records in stored if records != WITHDRAWN]
    return found_part(copies, automatic=wanted.person not in manual)


def found_part(copies: Sequence[bytes], *, automatic: bool) -> Found:
    """What is there, each copy a canonical list of records as it was checked when it was registered; more than one answer can
    carry (a wide span of years) waits for a person, who may send a part."""
    if not copies:
        return Found(automatic=automatic, answer=NOTHING)
    records = b",".join([copy[1:-1] for copy in copies])
    many = len(copies) > 1 and sum(len(canonical.decode(copy)) for copy in copies) > MOST_RECORDS
    if many or len(records) > BUSINESS_LIMIT - ENVELOPE:
        return Found(automatic=False, answer=NOTHING)
    return Found(automatic=automatic, answer=b'{"outcome":"records","records":[' + records + b"]}")


def _records(replica: Replica, reference: Reference) -> bytes:
    return reference.rest.open_part(replica.person[0], replica.sealed, "value", replica.control, replica.value)


def _carried(message: Message, part: Found, reference: Reference) -> Outcome:
    sealed = reference.rest.seal(message.key, message.headers["control"], {"value": part.encoded()})
    return message.carried(topics.reference_found, sealed["value"])


def _replica(message: Message, item: Item, year: int, person: Person) -> Replica:
    control, sealed = message.headers["control"], message.headers["sealed"].decode("ascii")
    return Replica(person, item.name, item.layout, year, message.value, control, sealed)


@asynccontextmanager
async def open_reference(environment: Environment) -> AsyncIterator[Reference]:
    """The intermediate key rings and the reference database."""
    async with database(environment) as tables:
        yield Reference(AtRest(environment.keys, environment.clock), load_catalogue(), tables)


service = Service(
    NAME,
    "intermediate",
    reads={topics.reference_requested: find, topics.replica_registered: register},
    writes=[topics.reference_found],
    resources=open_reference,
    tables=True,
    ring="intermediate",
)
