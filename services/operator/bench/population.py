"""Who asks whom about whom: 1,741 municipalities weighted by population, synthetic persons, answers of about 2 KB.

Row 27 branch 4 of Appended Table 2: any mayor asks any mayor for local tax information (地方税関係情報).
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from schemas.agencies import load_municipalities
from schemas.control import Basis, Item, Officer
from schemas.directory import Grant
from schemas.law import EDITION
from schemas.message import Message
from schemas.request import Posted, assert_request
from services.operator import asking, publication, residents
from services.operator.console import finished, progress
from services.operator.copies import Replica
from services.operator.installation import Installation, Layout
from services.operator.keys import enrolment
from services.operator.lifecycle import bring_up, prepare_hub
from services.operator.samples import income_tax_certificate
from services.operator.tables import now
from services.runtime.keys import PrivateKey

SEED: Final = 27_004
PERSONS: Final = 5_000
YEAR: Final = 2026
ITEM: Final = Item(name="income_tax_certificate", layout=1)
LAW: Final = Basis(edition=EDITION, row="27", branch=4)
OFFICER: Final = Officer(office="税務課", role="tax_clerk", staff="clerk-1")
CLERK: Final = Grant(office=OFFICER.office, role=OFFICER.role, rows=["27"])
AUTOMATIC: Final = Grant(office=OFFICER.office, role="automatic", rows="all")
ASSERTED_SECONDS: Final = 300
"""From the moment of posting: an assertion may not be made hours beforehand."""


@dataclass(frozen=True, slots=True)
class Case:
    """A person, where they live now, and the 1 January municipality that is asked about them."""

    asker: str
    provider: str
    number: str
    provider_number: str


def cases(count: int) -> list[Case]:
    """Persons between two municipalities drawn by population; the same at every call."""
    draw = random.Random(SEED)  # noqa: S311  # a load, not a secret
    municipalities = load_municipalities()
    codes, weights = [one.code for one in municipalities], [one.population for one in municipalities]
    found: list[Case] = []
    while len(found) < count:
        asker, provider = draw.choices(codes, weights, k=2)
        if asker != provider:
            found.append(Case(asker, provider, f"SYNA{len(found):08d}", f"SYNB{len(found):08d}"))
    return found


def prepare(installation: Installation, layout: Layout) -> list[Case]:
    """Brings it up with all of it in its tables; returns who may be asked about."""
    people = cases(PERSONS)
    prepare_hub(installation)
    with progress("keys of 1,741 municipalities", 1):
        enrol(installation)
    bring_up(installation, layout)
    with progress("directory, persons and copies", 1):
        finished(settle(installation, people))
    return people


def enrol(installation: Installation) -> None:
    """Keys and records of every municipality."""
    codes = [one.code for one in load_municipalities()]
    enrolment.create_keys(installation, codes, "1", now())
    publication.describe(installation, codes, [ITEM], [CLERK], AUTOMATIC)


async def settle(installation: Installation, people: Sequence[Case]) -> None:
    """The directory is published; staff, persons and copies are in the tables."""
    await publication.publish(installation)
    await publication.published(installation, 300)
    for code in sorted({case.asker for case in people}):
        await residents.load_staff(installation, code, [OFFICER])
    await residents.enroll(
        installation, [{case.asker: case.number, case.provider: case.provider_number} for case in people]
    )
    records = [income_tax_certificate(YEAR), income_tax_certificate(YEAR)]
    copies = [Replica(case.provider, case.provider_number, ITEM, YEAR, records) for case in people]
    await residents.register(installation, copies)


@dataclass(frozen=True, slots=True)
class Request:
    """An inquiry to be posted, and the key of the system that posts it."""

    posted: Posted
    key: PrivateKey

    @property
    def exchange(self) -> str:
        """The id under which it is completed."""
        return self.posted.question.id

    def signed(self) -> Message:
        """The record, with an assertion of this moment."""
        expires = int(time.time()) + ASSERTED_SECONDS
        return asking.posted_record(self.posted, assert_request(self.posted, self.key.kid, self.key.secret, expires))


def requests(installation: Installation, people: Sequence[Case], count: int) -> list[Request]:
    """`count` inquiries, each signed as it is posted."""
    keys: dict[str, PrivateKey] = {}
    made = []
    for number in range(count):
        case = people[number % len(people)]
        if case.asker not in keys:
            keys[case.asker] = enrolment.assertion_key(installation, case.asker)
        posted = asking.inquiry(case.asker, case.provider, case.number, LAW, ITEM, OFFICER, YEAR)
        made.append(Request(posted, keys[case.asker]))
    return made
