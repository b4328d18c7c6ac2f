"""The day of a mass inquiry hour by hour: what is asked against the line, and what a schedule makes of it."""

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from services.traffic.charts.drawing import FAINT, GRID, LINE, OVER, PERIOD_COLOURS, svg, title
from services.traffic.model import BITS_OF_A_BYTE
from services.traffic.schedule import HOUR, Hour

NIGHT: Final = 1.2
"""How many hours wide the night is drawn."""
SHOWN_NEXT_DAY: Final = 2
"""Hours of the next day that are drawn."""
BAR: Final = 0.86
ASKED: Final = PERIOD_COLOURS["mass_inquiry"]
SENT: Final = PERIOD_COLOURS["normal"]


def by_hour(hours: Sequence[Hour], kbps: int) -> str:
    """SVG of the first day's hours and the beginning of the next day: without schedule, with it, and what waits."""
    today = [hour for hour in hours if hour.day == 0]
    shown = [hour for hour in hours if hour.day == 1][:SHOWN_NEXT_DAY]
    places = [*range(len(today)), *(len(today) + NIGHT + number for number in range(SHOWN_NEXT_DAY))]
    drawn = list(zip(places, [*today, *shown], strict=False))

    def paint(figure: Figure) -> None:
        layout = {"height_ratios": (3, 3, 2), "hspace": 0.4, "left": 0.085, "right": 0.985, "top": 0.95, "bottom": 0.07}
        without, scheduled, waiting = figure.subplots(3, 1, gridspec_kw=layout)
        _without(without, drawn, kbps)
        _scheduled(scheduled, drawn, kbps)
        _waiting(waiting, drawn)
        for axes in (without, scheduled, waiting):
            _hours(axes, today, places[-1] + 1)

    return svg("hours", (9.6, 7.2), paint)


Drawn = Sequence[tuple[float, Hour]]
"""Hours with their places on the axis."""


def _without(axes: Axes, drawn: Drawn, kbps: int) -> None:
    title(axes, "調整なし：照会のつど送信", "without a schedule: sent when asked")
    for place, hour in drawn:
        asked = _kbps(hour.asked)
        _bar(axes, place, min(asked, kbps), ASKED)
        if asked > kbps:
            axes.bar(place, asked - kbps, BAR, kbps, align="edge", fill=False, edgecolor=OVER, hatch="////")
            axes.text(place + BAR / 2, asked, f"+{asked - kbps:,.0f}", ha="center", va="bottom", color=OVER)
    _line(axes, drawn, kbps)
    axes.text(drawn[-1][0] + 1, kbps * 1.55, "斜線：回線を超える分", color=OVER, ha="right")
    axes.text(drawn[-1][0] + 1, kbps * 1.37, "hatched: more than the line carries", color=OVER, ha="right")


def _scheduled(axes: Axes, drawn: Drawn, kbps: int) -> None:
    title(axes, "調整あり：回線の速さで送信", "with a schedule: never faster than the line")
    for place, hour in drawn:
        _bar(axes, place, _kbps(hour.sent), SENT)
        if hour.day and hour.sent:
            axes.text(place + BAR / 2, _kbps(hour.sent), f"{hour.sent:,} KB", ha="center", va="bottom", color=SENT)
    _line(axes, drawn, kbps)


def _waiting(axes: Axes, drawn: Drawn) -> None:
    title(axes, "調整あり：各時間の終わりの送信待ち", "with a schedule: waiting at the end of the hour")
    for place, hour in drawn:
        _bar(axes, place, hour.waiting / 1000, FAINT)
    axes.set_ylabel("MB")


def _bar(axes: Axes, place: float, height: float, colour: str) -> None:
    axes.bar(place, height, BAR, align="edge", color=colour, alpha=0.85)


def _line(axes: Axes, drawn: Drawn, kbps: int) -> None:
    axes.axhline(kbps, color=LINE, linewidth=2)
    axes.text(drawn[-1][0] + 1, kbps * 1.04, f"回線 line {kbps:,} kbit/s", fontweight="bold", ha="right")
    axes.set_ylabel("kbit/s")
    highest = max(max(_kbps(hour.asked) for _, hour in drawn), kbps)
    axes.set_ylim(0, highest * 1.2)


def _hours(axes: Axes, today: Sequence[Hour], end: float) -> None:
    hours = len(today)
    first = today[0].clock
    axes.set_xlim(-0.1, end)
    axes.set_xticks(
        [*range(hours + 1), hours + NIGHT],
        [*(f"{(first + n) % 24}:00" for n in range(hours + 1)), f"翌日 next day {first}:00"],
    )
    axes.axvspan(hours - (1 - BAR) / 2, hours + NIGHT - (1 - BAR) / 2, color=GRID, linewidth=0)
    axes.grid(axis="y", color=GRID, linewidth=0.7)


def _kbps(kilobytes: int) -> float:
    return kilobytes * BITS_OF_A_BYTE / HOUR
