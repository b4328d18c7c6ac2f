"""How a plan's figures are put into words, for the terminal and for the page."""

from typing import Final

from services.traffic.plan import Plan
from services.traffic.schedule import DAY, HOUR

MINUTE: Final = 60
ENGLISH: Final = (" h ", " min ", " s")
JAPANESE: Final = ("時間", "分", "秒")


def spelled(seconds: int, units: tuple[str, str, str] = ENGLISH) -> str:
    """`8 h 8 min 4 s`, 8時間8分4秒; whole seconds, parts that are zero left out."""
    minutes, left = divmod(seconds, MINUTE)
    counts = (*divmod(minutes, HOUR // MINUTE), left)
    parts = [f"{count:,}{unit}" for count, unit in zip(counts, units, strict=True) if count]
    return "".join(parts).strip() or f"0{units[-1]}"


def name(plan: Plan) -> str:
    """`静岡県 裾野市 (222208)`, or that it is imagined."""
    if plan.municipality is None:
        return "想定の市町村 an imagined municipality"
    return f"{plan.municipality.prefecture} {plan.municipality.name} ({plan.municipality.code})"


def verdict(plan: Plan) -> str:
    """Whether the mass inquiry fits, and if not, what would help."""
    schedule, window = plan.schedule, spelled(plan.sender.window.seconds)
    if schedule.fits:
        return f"The mass inquiry fits into {window} a day: nothing needs to be scheduled."
    line = f"a line of {schedule.needed_kbps:,} kbit/s"
    if schedule.needed_seconds > DAY:
        return (
            f"The mass inquiry takes {schedule.days:,} days, and no window of one day is long enough: it needs {line}."
        )
    return (
        f"The mass inquiry does not fit into {window}: {schedule.moved:,} KB must move to the next day. "
        f"It needs a window of {spelled(schedule.needed_seconds)}, or {line}."
    )
