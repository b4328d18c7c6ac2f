"""Before the demo: four municipalities with keys, records and staff, and the persons whom they know."""

import asyncio
from typing import Final

from schemas.control import Item, Officer
from schemas.directory import Grant
from services.operator import demo, publication, residents
from services.operator.copies import Replica
from services.operator.demo import ASKER, ASSESSED, ELSEWHERE, ITEM, NEIGHBOUR, OFFICE, OFFICER, UNASSESSED, YEAR
from services.operator.installation import Installation
from services.operator.keys import enrolment
from services.operator.samples import income_tax_certificate
from services.operator.tables import now

SHARING: Final = (ASKER, NEIGHBOUR, ELSEWHERE)
CLERK: Final = Grant(office=OFFICE, role=OFFICER.role, rows=["57"])
AUTOMATIC: Final = Grant(office="税務課", role="automatic", rows="all")
STAFF: Final[dict[str, list[Officer]]] = {
    ASKER: [OFFICER, demo.RECEPTIONIST],
    NEIGHBOUR: [OFFICER],
    UNASSESSED: [OFFICER],
}
PERSONS: Final[list[dict[str, str]]] = [
    {ASKER: demo.APPLICANT, NEIGHBOUR: "SYN5000001", UNASSESSED: demo.RESIDENT},
    {ASKER: demo.SPOUSE, ELSEWHERE: "SYN7000002"},
    {ASKER: demo.FLAGGED, ELSEWHERE: "SYN7000003"},
    {ASKER: demo.ANOTHER, ELSEWHERE: "SYN7000004"},
    {NEIGHBOUR: demo.MOVED, ELSEWHERE: "SYN7000005"},
]
COPIES: Final = ((NEIGHBOUR, "SYN5000001"), *((ELSEWHERE, f"SYN700000{place}") for place in (3, 4, 5)))
"""Of the spouse there is none."""


async def prepare(installation: Installation) -> None:
    """Until every process works by the new directory."""
    await asyncio.to_thread(_describe, installation, [ITEM])
    await publication.publish(installation)
    await publication.published(installation)
    for agency, officers in STAFF.items():
        await residents.load_staff(installation, agency, officers)
    await residents.enroll(installation, PERSONS)
    replicas = [Replica(*copy, ITEM, YEAR, [income_tax_certificate(YEAR)]) for copy in COPIES]
    await residents.register(installation, replicas)
    await residents.flag(installation, ELSEWHERE, "SYN7000003", automatic=False)
    await publication.in_force(installation)


def _describe(installation: Installation, items: list[Item]) -> None:
    """Keys and signed records."""
    enrolment.create_keys(installation, [*SHARING, UNASSESSED], "1", now())
    publication.describe(installation, SHARING, items, [CLERK], AUTOMATIC)
    publication.describe(installation, [UNASSESSED], items, [CLERK], AUTOMATIC, assessed=[ASSESSED])
