"""Which classes of the law table a local government belongs to."""

from typing import Final

from schemas.agencies.lists import Municipality, Prefecture
from schemas.law.agency_class import AgencyClass

CITY_OR_WARD: Final = ("市", "区")
"""They run a welfare office by law (社会福祉法14条1項); a town or village may (3項)."""
NAMED_MAYORS: Final = {"341002": AgencyClass.HIROSHIMA_MAYOR, "422011": AgencyClass.NAGASAKI_MAYOR}
"""The table names two mayors, for the survivors of the atomic bombs."""


def classes_of(agency: Municipality | Prefecture, *, runs_welfare_office: bool = False) -> frozenset[AgencyClass]:
    """The classes of the head (長) of a local government.

    `runs_welfare_office` is a fact about towns and villages that no list here has; of a city, ward or prefecture it is
    always true. Education boards are agencies of their own and not among a head's classes.
    """
    if isinstance(agency, Prefecture):
        return frozenset({AgencyClass.GOVERNOR, AgencyClass.GOVERNOR_ETC})
    classes = {AgencyClass.MAYOR}
    if runs_welfare_office or agency.name.endswith(CITY_OR_WARD):
        classes.add(AgencyClass.GOVERNOR_ETC)
    if agency.code in NAMED_MAYORS:
        classes.add(NAMED_MAYORS[agency.code])
    return frozenset(classes)
