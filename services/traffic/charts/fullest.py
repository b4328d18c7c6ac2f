"""The lines that a mass inquiry fills most, with their use in the other periods."""

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from services.traffic.charts.drawing import GRID, LINE, PERIOD_COLOURS, svg
from services.traffic.plan import Plan
from services.traffic.wording import spelled

FULL: Final = 100
"""Per cent."""


def fullest(plans: Sequence[Plan]) -> str:
    """SVG of these plans of real municipalities, the first on top."""

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((0.255, 0.1, 0.72, 0.87))
        for place, plan in enumerate(plans):
            _bars(axes, place, plan)
        _axes(axes, plans)

    return svg("fullest", (9.6, 5.2), paint)


def _bars(axes: Axes, place: int, plan: Plan) -> None:
    mass = plan.mass_inquiry
    axes.barh(place, float(mass.use), 0.72, color=PERIOD_COLOURS[mass.period.name], alpha=0.85)
    for load in plan.periods[:-1]:
        axes.plot([float(load.use)] * 2, [place - 0.36, place + 0.36], color="white", linewidth=3.5)
        axes.plot(
            [float(load.use)] * 2, [place - 0.36, place + 0.36], color=PERIOD_COLOURS[load.period.name], linewidth=2
        )
    text = f"{mass.use:,} %、{spelled(plan.schedule.needed_seconds)}"
    axes.text(min(float(mass.use), FULL) - 1, place, text, va="center", ha="right", color="white", fontweight="bold")


def _axes(axes: Axes, plans: Sequence[Plan]) -> None:
    axes.set(
        xlim=(0, max(105, *(float(plan.mass_inquiry.use) * 1.03 for plan in plans))), ylim=(len(plans) - 0.5, -1.2)
    )
    axes.set_yticks(range(len(plans)), [_label(plan) for plan in plans])
    axes.tick_params(axis="y", length=0)
    axes.axvline(FULL, color=LINE, linewidth=2)
    axes.text(FULL - 1, -0.75, "回線の容量 the line's capacity", ha="right", va="center", fontweight="bold")
    axes.set_xlabel("回線使用率（％）  line use (%)")
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    for load, side, gap in zip(plans[0].periods, ("right", "left"), (-0.8, 0.8), strict=False):
        colour = PERIOD_COLOURS[load.period.name]
        label = f"{load.period.japanese} {load.period.english}"
        axes.text(
            float(load.use) + gap, -0.75, label, color=colour, ha=side, va="center", fontsize=8, fontweight="bold"
        )


def _label(plan: Plan) -> str:
    assert plan.municipality
    return f"{plan.municipality.prefecture} {plan.municipality.name}（{plan.population:,}）"
