"""Copies (副本) and flags on their way into the reference database: checked, published, and waited for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from schemas import canonical, topics
from schemas.catalogue import load_catalogue
from schemas.control import Item
from schemas.message import Message
from schemas.replica import LIMIT, Registration
from schemas.text import instant
from services.operator.identifiers import uuid7
from services.operator.installation import Installation
from services.operator.tables import at_rest, tables
from services.operator.waiting import reached
from services.reference import service as reference
from services.reference import store
from services.reference.registering import WITHDRAWN, check_copies
from services.reference.store import Wanted
from services.runtime.errors import Unavailable
from services.runtime.kafka.log import KafkaLog
from services.runtime.rest import INTERNAL, AtRest

PART: Final = 1000
PATIENCE: Final = 60.0
"""Seconds without progress after which a command gives up waiting for the reference database."""
Place = tuple[str, str, str, int, int]
"""(agency, internal number, item, layout, fiscal year)"""


@dataclass(frozen=True)
class Replica:
    """Copies (副本) of one item of one person for one fiscal year; without records their withdrawal (公開終了)."""

    agency: str
    number: str
    item: Item
    year: int
    records: Sequence[Mapping[str, object]]
    id: str = field(default_factory=uuid7)

    @property
    def registration(self) -> Registration:
        kind: Literal["replica", "withdrawal"] = "replica" if self.records else "withdrawal"
        return Registration(id=self.id, agency=self.agency, kind=kind, item=self.item, year=self.year)

    @property
    def value(self) -> bytes:
        return canonical.encode(list(self.records))

    @property
    def place(self) -> Place:
        return (self.agency, self.number, self.item.name, self.item.layout, self.year)


def check(replica: Replica) -> None:
    """The check that the reference database makes; raises ValueError without the value."""
    check_copies(replica.registration, replica.value, load_catalogue())


async def publish(installation: Installation, replicas: Sequence[Replica], step: Callable[[int], object]) -> None:
    """Publishes checked copies, sealed; `step` hears how many were published."""
    rest = at_rest(installation)
    log = KafkaLog(installation.kafka())
    try:
        for start in range(0, len(replicas), PART):
            part = replicas[start : start + PART]
            await log.publish([(topics.replica_registered, registered(replica, rest)) for replica in part])
            step(len(part))
    finally:
        await log.close()


async def publish_flag(installation: Installation, agency: str, number: str, automatic: bool) -> None:
    """Whether answers about the person may be automatic (自動応答不可)."""
    registration = Registration(id=uuid7(), agency=agency, kind="person", automatic=automatic)
    log = KafkaLog(installation.kafka())
    try:
        message = message_of(registration, number, WITHDRAWN, at_rest(installation))
        await log.publish([(topics.replica_registered, message)])
    finally:
        await log.close()


async def taken(installation: Installation, seconds: float = PATIENCE) -> None:
    """Until the reference database has read all that is published now; `Unavailable` after `seconds` without progress."""
    log, topic = KafkaLog(installation.kafka()), topics.replica_registered
    try:
        ends = await log.ends(topic)
        left = -1
        while left:
            before = left

            async def moved(before: int = before) -> tuple[int] | None:
                done = await log.committed(reference.service.group(topic), topic)
                now = sum(max(0, end - done.get(partition, 0)) for partition, end in ends.items())
                return (now,) if now == 0 or now != before else None

            said = await reached(moved, seconds)
            if said is None:
                raise Unavailable(
                    f"published, but {left} records are not in the reference database yet: see `renkei status`"
                )
            (left,) = said
    finally:
        await log.close()


async def stored(installation: Installation, replicas: Sequence[Replica]) -> dict[Place, bytes]:
    """The copies in clear that stand at the places of these, as far as there are any; a withdrawal is `WITHDRAWN`."""
    rest, found = at_rest(installation), {}
    async with tables(installation, "reference") as database:
        for start in range(0, len(replicas), PART):
            part = replicas[start : start + PART]
            wanted = [_wanted(replica, rest) for replica in part]
            async with database.transaction({replica.agency for replica in part}) as connection:
                rows = await store.find(connection, wanted)
            for place, (row, *_) in rows.items():
                value = rest.open_part(row.person[0], row.sealed, "value", row.control, row.value)
                found[part[place].place] = value
    return found


async def has_copies(installation: Installation, agency: str, number: str) -> bool:
    """Whether the reference database has a copy about a person."""
    person = at_rest(installation).index(agency, reference.PERSON, number.encode())
    async with tables(installation, "reference") as database, database.transaction({agency}) as connection:
        return await store.has_copies(connection, (agency, person))


async def flag_in_force(installation: Installation, agency: str, number: str, automatic: bool) -> str:
    """Since when the person's flag stands in the reference database; `Unavailable` if it does not stand there."""
    await taken(installation)
    person = at_rest(installation).index(agency, reference.PERSON, number.encode())
    async with tables(installation, "reference") as database, database.transaction({agency}) as connection:
        said = await store.flagged(connection, (agency, person))
    if said is None or said[0] != automatic:
        raise Unavailable("published, but the flag is not in force: see `renkei quarantine list`")
    return instant(datetime.fromtimestamp(said[1] / 1000, UTC))


def registered(replica: Replica, rest: AtRest) -> Message:
    """The record of `replica.registered`."""
    return message_of(replica.registration, replica.number, replica.value, rest)


def message_of(registration: Registration, number: str, records: bytes, rest: AtRest) -> Message:
    """A record of `replica.registered`, sealed; ValueError for one that the service would refuse for its size."""
    control = registration.encoded()
    sealed = rest.seal(registration.agency, control, {"value": records, "subject": INTERNAL + number.encode()})
    if len(sealed["value"]) > LIMIT:
        raise ValueError(f"expected at most {LIMIT} bytes")
    headers = {"control": control, "subject": sealed["subject"], "sealed": sealed["sealed"]}
    return Message(key=registration.agency, value=sealed["value"], headers=headers)


def _wanted(replica: Replica, rest: AtRest) -> Wanted:
    person = rest.index(replica.agency, reference.PERSON, replica.number.encode())
    return Wanted((replica.agency, person), replica.item.name, replica.item.layout, (replica.year, replica.year))
