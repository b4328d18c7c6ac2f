"""What a business system registers stands in the order of its topic, whoever stores it, and however late."""

from collections.abc import AsyncIterator, Iterator

import pytest

from schemas import canonical, topics
from schemas.catalogue import load_catalogue
from schemas.message import Message, Position
from schemas.replica import Registration
from services.operator.copies import message_of
from services.operator.demo import ITEM, NEIGHBOUR, YEAR
from services.operator.identifiers import uuid7
from services.operator.samples import income_tax_certificate
from services.operator.tables import at_rest
from services.reference import service as steps
from services.reference import store
from services.reference.service import PERSON, Reference
from services.reference.store import Wanted
from tests import databases
from tests.site import Site

NUMBER = "SYN0000001"
"""Of a resident who does not exist."""
EARLY, LATE = 1_795_500_000_000, 1_795_500_060_000


@pytest.fixture(scope="module")
def dsn(postgres: str) -> Iterator[str]:
    with databases.migrated(postgres, "registration", ["reference"]) as made:
        yield made


@pytest.fixture
async def reference(dsn: str, site: Site) -> AsyncIterator[Reference]:
    databases.emptied(dsn, "reference")
    async with databases.opened(dsn, "reference") as tables:
        yield Reference(at_rest(site), load_catalogue(), tables)


def registered(reference: Reference, offset: int, time: int, said: int | bool) -> Message:
    """A copy with this amount, or a flag, as it was first read at this place."""
    records: list[dict[str, object]] = []
    if isinstance(said, bool):
        registration = Registration(id=uuid7(), agency=NEIGHBOUR, kind="person", automatic=said)
    else:
        registration = Registration(id=uuid7(), agency=NEIGHBOUR, kind="replica", item=ITEM, year=YEAR)
        records = [income_tax_certificate(YEAR, said)]
    message = message_of(registration, NUMBER, canonical.encode(records), reference.rest)
    position = Position(topics.replica_registered.name, 3, offset)
    return Message(message.key, message.value, message.headers, position, str(position), time)


async def stands(reference: Reference) -> tuple[list[int], bool]:
    """The amounts in the copies that are there, and whether answers may be automatic."""
    person = (NEIGHBOUR, reference.rest.index(NEIGHBOUR, PERSON, NUMBER.encode()))
    async with reference.database.transaction({NEIGHBOUR}) as connection:
        found = await store.find(connection, [Wanted(person, ITEM.name, ITEM.layout, (YEAR, YEAR))])
        manual = await store.manual(connection, {person})
    records = [
        record for replica in found.get(0, []) for record in canonical.decode(steps._records(replica, reference))
    ]
    return [amount_of(record) for record in records], not manual


def amount_of(record: dict[str, object]) -> int:
    """That with which every sample's amounts are filled."""
    numbers = [value for value in record.values() if isinstance(value, int)]
    return numbers[0] if numbers else amount_of(next(value for value in record.values() if isinstance(value, dict)))


@pytest.mark.parametrize(
    ("early", "late"),
    [
        pytest.param((10, EARLY), (20, LATE), id="in order"),
        pytest.param((10, EARLY), (20, EARLY), id="within a millisecond"),
        pytest.param((10, LATE), (20, EARLY), id="a clock was set back"),
        pytest.param((20, EARLY), (10, LATE), id="the topic was made anew"),
        pytest.param((10, EARLY), (10, EARLY), id="the same place again"),
    ],
)
@pytest.mark.parametrize("together", [True, False])
async def test_the_last_stays(
    reference: Reference, early: tuple[int, int], late: tuple[int, int], together: bool
) -> None:
    """In one batch or in two."""
    first, second = (
        [registered(reference, *at, amount), registered(reference, *at, flag)]
        for at, amount, flag in (
            (early, 111, True),
            (late, 222, False),
        )
    )
    for batch in [[*first, *second]] if together else [first, second]:
        await steps.register(batch, reference)
    assert await stands(reference) == ([222], False)


@pytest.mark.parametrize("together", [True, False])
async def test_what_is_stored_late_undoes_nothing(reference: Reference, together: bool) -> None:
    """By a process that was given up and woke, or by a release from quarantine: a protected person stays protected."""
    late = [registered(reference, 20, LATE, 222), registered(reference, 21, LATE, False)]
    early = [registered(reference, 10, EARLY, 111), registered(reference, 11, EARLY, True)]
    for batch in [[*late, *early]] if together else [late, early]:
        await steps.register(batch, reference)
    assert await stands(reference) == ([222], False)
