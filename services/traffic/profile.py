"""What the load generator sends: who asks, what, how large, how often. Integers only, as canonical JSON.

A message that loads two lines (値④) is one message here. Agencies carry their population as weight, since traffic is in
proportion to it (4-4); the mix is that of the example set of use cases, **assumed**.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Final, Literal

from pydantic import Field

from schemas.agencies import Municipality
from schemas.text import AgencyCode, Label, Name, Record
from services.traffic import study
from services.traffic.model import Shares, half_up
from services.traffic.schedule import HOUR
from services.traffic.study import Period
from services.traffic.use_cases import ASSUMED, Kind, Linkage, Parties, scaled_bytes

VERSION: Final = 1

Count = Annotated[int, Field(ge=0)]


class AgencyWeight(Record):
    """How often an agency is a party, against the others."""

    code: AgencyCode
    weight: Count


class MessageWeight(Record):
    """How often a message is of this sort, against the others."""

    use_case: int
    information: Label
    """連携情報; in Japanese, since most items have no name code yet."""
    kind: Kind
    parties: Parties
    bytes: Count
    """Of the answer to an inquiry, or of a notification: 値①, scaled to the study's total."""
    weight: Count
    """Messages a year in the whole country."""


class Rate(Record):
    """How much is sent in a period, by all agencies of the profile together."""

    period: Name
    seconds: Count
    messages_per_hour: Count


class LoadProfile(Record):
    """Draw an agency, draw a sort of message, send at the period's rate."""

    v: Literal[1] = VERSION
    assumed: str = ASSUMED
    agencies: tuple[AgencyWeight, ...]
    mix: tuple[MessageWeight, ...]
    rates: tuple[Rate, ...]


def load_profile(municipalities: Sequence[Municipality], shares: Shares, linkages: Sequence[Linkage]) -> LoadProfile:
    """The profile of these municipalities; if they are not all of `shares`, only their part of the messages."""
    people = sum(each.population for each in municipalities)
    mix = tuple(_weight(linkage, size) for linkage, size in zip(linkages, scaled_bytes(linkages), strict=True))
    a_year = shares.exact(sum(each.weight for each in mix), people)
    return LoadProfile(
        agencies=tuple(AgencyWeight(code=each.code, weight=each.population) for each in municipalities),
        mix=mix,
        rates=tuple(_rate(period, a_year) for period in study.PERIODS),
    )


def _weight(linkage: Linkage, size: int) -> MessageWeight:
    return MessageWeight(
        use_case=linkage.number,
        information=linkage.information,
        kind=linkage.kind,
        parties=linkage.parties,
        bytes=size,
        weight=linkage.messages,
    )


def _rate(period: Period, a_year: Fraction) -> Rate:
    """The day of a mass inquiry is taken to have the year's mix, more of it."""
    messages = a_year * Fraction(period.total, study.ANNUAL)
    return Rate(
        period=period.name, seconds=period.seconds, messages_per_hour=int(half_up(messages * HOUR / period.seconds))
    )
