"""Load against line by population: every municipality a point in each period, on logarithmic axes."""

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from services.traffic import study
from services.traffic.charts.drawing import FAINT, GRID, INK, LINE, PERIOD_COLOURS, svg
from services.traffic.lines import Lines
from services.traffic.model import STUDY, rate
from services.traffic.plan import Plan

PEOPLE: Final = (100, 5_000_000)
KBPS: Final = (0.015, 30_000)


def by_population(plans: Sequence[Plan], lines: Lines) -> str:
    """SVG of the plans (population above 0), the lines by rule, and the study's four model municipalities."""

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((0.085, 0.11, 0.765, 0.86))
        _axes(axes)
        _lines(axes, lines)
        _points(axes, plans)
        _models(axes)

    return svg("population", (9.6, 5.6), paint)


def _axes(axes: Axes) -> None:
    axes.set(xscale="log", yscale="log", xlim=PEOPLE, ylim=KBPS)
    axes.set_xlabel("人口（人）  population (people)")
    axes.set_ylabel("通信量・回線速度  load and line (kbit/s)")
    axes.grid(color=GRID, linewidth=0.7)
    plain = FuncFormatter(lambda number, _: f"{number:,.10g}")
    axes.xaxis.set_major_formatter(plain)
    axes.yaxis.set_major_formatter(plain)


def _lines(axes: Axes, lines: Lines) -> None:
    corner = lines.large_above
    axes.plot([PEOPLE[0], corner, corner, PEOPLE[1]], [lines.small] * 2 + [lines.large] * 2, color=LINE, linewidth=2)
    axes.text(120, lines.small * 1.25, f"回線 line {lines.small:,} kbit/s", fontweight="bold")
    axes.text(corner * 1.15, lines.large * 1.25, f"回線 line {lines.large:,} kbit/s", fontweight="bold")


def _points(axes: Axes, plans: Sequence[Plan]) -> None:
    people = [plan.population for plan in plans]
    for index, period in enumerate(study.PERIODS):
        colour = PERIOD_COLOURS[period.name]
        loads = [plan.periods[index] for plan in plans]
        speeds = [float(rate(load.kilobytes, load.seconds)) for load in loads]
        axes.plot(people, speeds, "o", color=colour, markersize=2.6, markeredgewidth=0, alpha=0.45)
        label = f"{period.japanese} {period.english}"
        axes.text(PEOPLE[1] * 1.08, max(speeds), label, color=colour, fontweight="bold", va="center")


def _models(axes: Axes) -> None:
    for model in study.MODEL_MUNICIPALITIES:
        for period in study.PERIODS:
            speed = float(rate(STUDY.kilobytes(period.total, model.population), period.seconds))
            axes.plot(model.population, speed, "o", markersize=7, markerfacecolor="white", markeredgecolor=INK)
        axes.text(model.population, 0.02, model.letter, ha="center", fontweight="bold", color=FAINT)
        axes.axvline(model.population, color=FAINT, linewidth=0.6, linestyle=(0, (2, 3)), zorder=0)
