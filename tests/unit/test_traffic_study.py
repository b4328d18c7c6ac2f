"""Every figure that the study prints in 4-4 and 5-2, to the last digit, and what follows from them for the lines."""

from typing import Final

import pytest

from services.traffic import study
from services.traffic.lines import Lines
from services.traffic.model import STUDY
from services.traffic.plan import Plan, plan
from services.traffic.schedule import Sender

MODELS: Final = ("A", "B", "C", "D")
PRINTED: Final = {
    "年間合計 KB": ("71,636,172", "7,163,617", "3,581,809", "716,362"),
    "1日合計 KB": ("4,685,401", "468,540", "234,270", "46,854"),
    "通常期 kbps": ("165.82", "16.58", "8.29", "1.66"),
    "繁忙期 kbps": ("331.65", "33.17", "16.58", "3.32"),
    "参考ケース kbps": ("1,301.50", "130.15", "65.07", "13.02"),
    "回線 kbps": ("10,000", "128", "128", "128"),
    "通常期 %": ("1.7", "13.0", "6.5", "1.3"),
    "繁忙期 %": ("3.3", "25.9", "13.0", "2.6"),
    "参考ケース %": ("13.0", "101.7", "50.8", "10.2"),
}
"""市町村A to D, columns as in 5-2. The per cents are 5-2's comparison of rate and line put into figures."""
NATIONAL: Final = {"年間合計 KB": "9,173,538,531", "1日合計 KB": "600,000,000"}


def computed(row: str, planned: Plan) -> str:
    """The figure of a row, spelled as the study spells it."""
    normal, busy, mass = planned.periods
    figures = {
        "年間合計 KB": normal.kilobytes,
        "1日合計 KB": mass.kilobytes,
        "通常期 kbps": normal.kbps,
        "繁忙期 kbps": busy.kbps,
        "参考ケース kbps": mass.kbps,
        "回線 kbps": planned.sender.kbps,
        "通常期 %": normal.use,
        "繁忙期 %": busy.use,
        "参考ケース %": mass.use,
    }
    return f"{figures[row]:,}"


CASES: Final = [
    *(
        (row, letter, figure)
        for row, figures in PRINTED.items()
        for letter, figure in zip(MODELS, figures, strict=True)
    ),
    *((row, "全国", figure) for row, figure in NATIONAL.items()),
]


@pytest.mark.parametrize(("row", "who", "figure"), CASES, ids=[f"{row} {who}" for row, who, _ in CASES])
def test_every_figure_of_the_study(row: str, who: str, figure: str) -> None:
    """Computed from population and line alone; the national ones are the loads of everybody."""
    populations = {model.letter: model.population for model in study.MODEL_MUNICIPALITIES} | {"全国": study.POPULATION}
    population = populations[who]
    assert computed(row, plan(population, STUDY, Sender(Lines().of(population)))) == figure


def test_the_models_of_the_study_have_the_lines_of_the_rule() -> None:
    """The assumed rule agrees with the four sizes that the study names."""
    assert [Lines().of(model.population) for model in study.MODEL_MUNICIPALITIES] == [10_000, 128, 128, 128]


def test_only_municipality_b_overflows() -> None:
    """5-2: normal and busy periods are far below the line; the mass inquiry can exceed it for a time."""
    plans = [plan(model.population, STUDY, Sender(model.kbps)) for model in study.MODEL_MUNICIPALITIES]
    assert [each.schedule.fits for each in plans] == [True, False, True, True]
    assert all(load.use < 50 for each in plans for load in each.periods[:-1])


def test_98_348_people_just_fit_128_kbit_s() -> None:
    """One more does not: the mass inquiry needs more than eight hours."""
    fits, over = (plan(people, STUDY, Sender(128)).schedule for people in (98_348, 98_349))
    assert (fits.moved, fits.needed_seconds, fits.load) == (0, 28_800, fits.capacity)
    assert (over.moved, over.needed_seconds, over.days) == (4, 28_801, 2)


def test_what_100_000_people_must_schedule() -> None:
    """7,740 KB move to the next day; 8 h 8 min 4 s, or 131 kbit/s, would do."""
    schedule = plan(100_000, STUDY, Sender(128)).schedule
    assert (schedule.capacity, schedule.today, schedule.moved) == (460_800, 460_800, 7_740)
    assert (schedule.needed_seconds, schedule.needed_kbps) == (29_284, 131)
    assert (schedule.longest_wait, schedule.wait_if_needed) == (16 * 3600 + 484, 484)
