"""What linkage puts on the line of one municipality, in each period, and what of it must be scheduled."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from schemas.agencies import Municipality, checked, load_municipalities, load_prefectures
from services.traffic import study
from services.traffic.lines import Lines
from services.traffic.model import Shares, line_use, printed_kbps
from services.traffic.schedule import Schedule, Sender, Window, schedule
from services.traffic.study import Period


@dataclass(frozen=True, slots=True)
class PeriodLoad:
    """A period as one municipality's line sees it."""

    period: Period
    kilobytes: int
    """A year's, or the day's of the mass inquiry."""
    seconds: int
    kbps: Decimal
    """As the study prints it: two decimals."""
    use: Decimal
    """Per cent of the line, one decimal."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Loads, line use and schedule of a municipality, real or imagined."""

    municipality: Municipality | None
    """None: imagined, a population only."""
    population: int
    shares: Shares
    sender: Sender
    periods: tuple[PeriodLoad, ...]
    """Normal, busy, mass inquiry."""
    schedule: Schedule
    """Of the mass inquiry."""

    @property
    def mass_inquiry(self) -> PeriodLoad:
        """The fullest period."""
        return self.periods[-1]


def find(code: str) -> Municipality:
    """The municipality of a code; ValueError says what is wrong with any other text."""
    checked(code)
    for municipality in load_municipalities():
        if municipality.code == code:
            return municipality
    if code in {prefecture.code for prefecture in load_prefectures()}:
        raise ValueError(f"{code} is a prefecture; the study's model is about municipalities: give one of theirs")
    raise ValueError(f"no municipality of {len(load_municipalities()):,} has the code {code}: look it up in the list")


def plan(population: int, shares: Shares, sender: Sender, municipality: Municipality | None = None) -> Plan:
    """The plan of so many people on a line; ValueError if the population or the window is impossible."""
    periods = tuple(_loads(population, shares, sender))
    return Plan(municipality, population, shares, sender, periods, schedule(periods[-1].kilobytes, sender))


def plan_all(shares: Shares, lines: Lines, window: Window) -> tuple[Plan, ...]:
    """The plan of every municipality in the list, in its order."""
    return tuple(
        plan(each.population, shares, Sender(lines.of(each.population, each.code), window), each)
        for each in load_municipalities()
    )


def facts(plan: Plan) -> dict[str, Any]:
    """The plan for other programs: canonical JSON, so integers only, each named with its unit."""
    return {
        **({"municipality": _named(plan.municipality)} if plan.municipality else {}),
        "population": plan.population,
        "shares": {"of": plan.shares.name, "people": plan.shares.people},
        "line_kbps": plan.sender.kbps,
        "window_seconds": plan.sender.window.seconds,
        "periods": [_period_facts(load) for load in plan.periods],
        "schedule": _schedule_facts(plan.schedule),
    }


def _loads(population: int, shares: Shares, sender: Sender) -> Iterator[PeriodLoad]:
    for period in study.PERIODS:
        seconds = sender.window.seconds if period == study.MASS_INQUIRY else period.seconds
        kilobytes = shares.kilobytes(period.total, population)
        kbps = printed_kbps(kilobytes, seconds)
        yield PeriodLoad(period, kilobytes, seconds, kbps, line_use(kbps, sender.kbps))


def _named(municipality: Municipality) -> dict[str, str]:
    return {"code": municipality.code, "prefecture": municipality.prefecture, "name": municipality.name}


def _period_facts(load: PeriodLoad) -> dict[str, str | int]:
    return {
        "period": load.period.name,
        "kilobytes": load.kilobytes,
        "seconds": load.seconds,
        "bits_per_second": int(load.kbps * 1000),
        "use_permille": int(load.use * 10),
    }


def _schedule_facts(schedule: Schedule) -> dict[str, int]:
    return {
        "load_kilobytes": schedule.load,
        "capacity_kilobytes": schedule.capacity,
        "today_kilobytes": schedule.today,
        "moved_kilobytes": schedule.moved,
        "days": schedule.days,
        "longest_wait_seconds": schedule.longest_wait,
        "longest_wait_at_once_seconds": schedule.longest_wait_at_once,
        "needed_window_seconds": schedule.needed_seconds,
        "wait_in_needed_window_seconds": schedule.wait_if_needed,
        "needed_kbps": schedule.needed_kbps,
    }
