"""What an agency's business systems tell the exchange about its residents: who is who at the hub, copies, flags, staff."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.control import Officer
from schemas.directory import HUB
from schemas.text import instant
from services.exchange import store as exchange
from services.hub import store as hub
from services.hub.link_codes import LinkCodes
from services.id_conversion import store as id_conversion
from services.id_conversion.store import Code
from services.operator import copies, persons
from services.operator.copies import Replica
from services.operator.installation import Installation
from services.operator.persons import Enrolled, Number, Person
from services.operator.tables import at_rest, now, rings, tables
from services.routing import store as routing
from services.runtime.postgres import Connection
from services.runtime.rest import AtRest

PART = 1000


async def enroll(installation: Installation, numbers: Sequence[Mapping[str, str]]) -> Enrolled:
    """Enrolls persons, each given by the internal number at each agency that knows them."""
    return await enroll_lines(installation, [Person(line, known) for line, known in enumerate(numbers, 1)])


async def enroll_lines(installation: Installation, people: Sequence[Person]) -> Enrolled:
    """The hub gives new persons a core id; each agency's code conversion table learns new link codes (符号取得).

    A person of whom one number is known keeps the core id. Everything is checked before anything is written: ValueError
    for a contradiction, `MissingKey` for an agency without a data key here."""
    persons.require_different(people)
    codes, rest = _hub_codes(installation), at_rest(installation)
    agencies = {agency for person in people for agency in person.numbers}
    for agency in agencies:
        rest.key(agency)
    async with (
        tables(installation, "id_conversion") as database,
        database.transaction(agencies) as connection,
    ):
        await id_conversion.lock(connection)
        known = await _known(connection, rest, codes, people)
        cores = persons.cores_of(people, known)
        persons.require_one_number(people, cores, await _held(connection, rest, codes, people, cores))
        fresh = await _cores(installation, cores)
        new = _new(people, fresh, known, codes)
        for start in range(0, len(new), PART):
            await id_conversion.enroll(connection, rest, new[start : start + PART])
    return Enrolled(len(new), len(known))


def _hub_codes(installation: Installation) -> LinkCodes:
    held = rings(installation, "hub").of(HUB).current("permutation", instant(now()))
    return LinkCodes(held.secret)


async def _known(connection: Connection, rest: AtRest, codes: LinkCodes, people: Sequence[Person]) -> dict[Number, int]:
    """The core ids behind the numbers that have a link code."""
    values = {
        (agency, rest.index(agency, id_conversion.NUMBER, number.encode())): (agency, number)
        for person in people
        for agency, number in person.numbers.items()
    }
    found = await id_conversion.link_codes(connection, rest, values)
    named = {values[value]: codes.core(value[0], code.decode()) for value, code in found.items()}
    if None in named.values():
        raise ValueError("a link code that is stored here is none of this hub")
    return {number: core for number, core in named.items() if core is not None}


async def _held(
    connection: Connection, rest: AtRest, codes: LinkCodes, people: Sequence[Person], cores: Sequence[int | None]
) -> dict[tuple[str, int], str]:
    """The numbers that known persons have at the agencies that are named for them."""
    values = {
        (agency, rest.index(agency, id_conversion.LINK_CODE, codes.issue(agency, core).encode())): (agency, core)
        for person, core in zip(people, cores, strict=True)
        if core is not None
        for agency in person.numbers
    }
    found = await id_conversion.numbers(connection, rest, values)
    return {values[value]: number.decode() for value, number in found.items()}


async def _cores(installation: Installation, cores: Sequence[int | None]) -> list[int]:
    """The same, with core ids that the hub draws for new persons."""
    count = sum(core is None for core in cores)
    if not count:
        return [core for core in cores if core is not None]
    async with tables(installation, "hub") as database, database.transaction({HUB}) as connection:
        drawn = iter(await hub.add_persons(connection, count))
    return [next(drawn) if core is None else core for core in cores]


def _new(people: Sequence[Person], cores: Sequence[int], known: Mapping[Number, int], codes: LinkCodes) -> list[Code]:
    return [
        Code(agency, number.encode(), codes.issue(agency, core).encode())
        for person, core in zip(people, cores, strict=True)
        for agency, number in person.numbers.items()
        if (agency, number) not in known
    ]


async def is_known(installation: Installation, agency: str, number: str) -> bool:
    """Whether an agency's tables know a person: by a link code or a copy."""
    rest = at_rest(installation)
    value = (agency, rest.index(agency, id_conversion.NUMBER, number.encode()))
    async with tables(installation, "id_conversion") as database, database.transaction({agency}) as connection:
        coded = await id_conversion.link_codes(connection, rest, {value})
    return bool(coded) or await copies.has_copies(installation, agency, number)


async def link_code(installation: Installation, agency: str, number: bytes) -> bytes:
    """By which the agency names a resident of its own to the hub (リンクコード)."""
    rest = at_rest(installation)
    value = (agency, rest.index(agency, id_conversion.NUMBER, number))
    async with tables(installation, "id_conversion") as database, database.transaction({agency}) as connection:
        return (await id_conversion.link_codes(connection, rest, {value}))[value]


async def register(installation: Installation, replicas: Sequence[Replica]) -> None:
    """Publishes copies, sealed; all are checked against the catalogue first. Raises ValueError without the value."""
    for replica in replicas:
        copies.check(replica)
    await copies.publish(installation, replicas, lambda count: None)


async def flag(installation: Installation, agency: str, number: str, automatic: bool) -> None:
    """Publishes whether answers about the person may be automatic (自動応答不可)."""
    await copies.publish_flag(installation, agency, number, automatic)


@dataclass(frozen=True)
class Loaded:
    """Changes of a list of staff."""

    added: int
    kept: int
    removed: int


async def load_staff(installation: Installation, agency: str, officers: Sequence[Officer]) -> Loaded:
    """Replaces the agency's list of staff (職員権限)."""
    new = set(officers)
    async with tables(installation, "exchange") as database, database.transaction({agency}) as connection:
        there = await exchange.listed_staff(connection, agency)
        await exchange.load_staff(connection, agency, officers)
    return Loaded(len(new - there), len(new & there), len(there - new))


async def case_state(installation: Installation, agency: str, sender: str, exchange: str) -> str:
    """How the answering side sees an inquiry (処理状況): asked, answered or waiting_manual."""
    async with tables(installation, "routing") as database, database.transaction({agency}) as connection:
        case = (agency, sender, exchange)
        standing = await routing.standing(connection, {case})
    return standing[case].state if case in standing else "unknown"
