"""One page that shows the model for a whole installation: three charts, the study's own figures, what is assumed."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import takewhile
from math import ceil
from typing import Final

from services.traffic import study
from services.traffic.charts import by_hour, by_population, fullest
from services.traffic.lines import Lines
from services.traffic.model import STUDY, split
from services.traffic.page import CHART, FACT, NOTES, PAGE, SECTION
from services.traffic.plan import Plan, plan
from services.traffic.schedule import HOUR, Sender, Window, hours, longest_wait
from services.traffic.wording import name, spelled

OFFICE_DAY: Final = (20, 18, 14, 8, 12, 12, 10, 6)
"""How much is asked in each of the eight hours of a day at the counters, in hundredths. **Assumed**: the study spreads
the day's load evenly, and so does everything here but the chart by hour."""
FULLEST: Final = 10
EXAMPLE: Final = study.MODEL_MUNICIPALITIES[1]
"""市町村B: the one of the study's four whose line overflows."""


def report(plans: Sequence[Plan], lines: Lines, window: Window) -> str:
    """The page for these plans of municipalities, as HTML."""
    sections = (_population(plans, lines), _day(lines, window), _fullest(plans), _study(), _notes(plans))
    return PAGE.substitute(facts="\n".join(_facts(plans)), sections="\n".join(sections))


def overfull(plans: Sequence[Plan]) -> list[Plan]:
    """Those whose mass inquiry does not fit into the window, the fullest first."""
    return [each for each in by_use(plans) if not each.schedule.fits]


def by_use(plans: Sequence[Plan]) -> list[Plan]:
    """The fullest line first: by the window that it needs, which is exact."""
    return sorted(plans, key=lambda each: (-each.schedule.needed_seconds, -each.population))


def asked_by_hour(load: int, window: Window) -> tuple[int, ...]:
    """KB asked in each hour of the window: an office day's curve from its opening on; nobody asks after eight hours."""
    length = window.seconds // HOUR
    return split(load, [*OFFICE_DAY[:length], *[0] * (length - len(OFFICE_DAY))])


def _facts(plans: Sequence[Plan]) -> Iterator[str]:
    over = overfull(plans)
    busy = max(each.periods[1].use for each in plans)
    people = sum(each.population for each in plans)
    longest = by_use(plans)[0]
    yield _fact(f"{len(plans):,}", f"市町村、人口 {people:,} 人", f"municipalities, {people:,} people")
    yield _fact(f"{busy} %", "通常期・繁忙期の回線使用率の最大", "fullest line in the normal and busy periods")
    mark = "over" if over else ""
    yield _fact(
        f"{len(over):,}", "一斉照会が1日の時間枠に収まらない市町村", "cannot fit the mass inquiry into the window", mark
    )
    needed = spelled(longest.schedule.needed_seconds)
    yield _fact(needed, "必要な時間枠の最大", f"longest window that is needed ({name(longest)})")


def _fact(figure: str, japanese: str, english: str, mark: str = "") -> str:
    return FACT.substitute(figure=figure, japanese=escape(japanese), english=escape(english), mark=mark)


def _population(plans: Sequence[Plan], lines: Lines) -> str:
    return SECTION.substitute(
        japanese="人口別の通信量と回線",
        english="Load against line, by population",
        text_japanese=f"点は{len(plans):,}市町村、黒線は回線の速度（両対数）。白丸は報告書の市町村A～D。",
        text_english=f"Dots are the {len(plans):,} municipalities, the black line is the access line; both axes are "
        "logarithmic. White circles are the study's model municipalities A to D.",
        body=_chart(by_population(plans, lines), "Load against line by population"),
    )


def _day(lines: Lines, window: Window) -> str:
    sender = Sender(lines.of(EXAMPLE.population), window)
    asked = asked_by_hour(STUDY.kilobytes(study.MASS_DAY, EXAMPLE.population), window)
    drawn = list(takewhile(lambda hour: hour.day <= 1, hours(asked, sender.kbps, window.opens)))
    moved = sum(asked) - sum(hour.sent for hour in drawn if hour.day == 0)
    wait = spelled(ceil(longest_wait(asked, sender)))
    needed = spelled(window.seconds + ceil(moved / sender.speed))
    return SECTION.substitute(
        japanese="一斉照会の日、1時間ごと",
        english="The day of a mass inquiry, hour by hour",
        text_japanese=f"市町村B（人口{EXAMPLE.population:,}人、{sender.kbps:,} kbit/s）。送信を調整すると、翌日に回るのは"
        f"{moved:,} KB、待ち時間は最長{wait}。時間枠を{needed}にすれば、すべて当日に送信できる。1日の山の形は仮定。",
        text_english=f"Municipality B ({EXAMPLE.population:,} people, {sender.kbps:,} kbit/s). With a schedule {moved:,} KB "
        f"move to the next day, and somebody waits {wait} at most; in a window of {needed} everything goes on the day "
        "itself. The shape of the day is assumed.",
        body=_chart(by_hour(drawn, sender.kbps), "A mass inquiry hour by hour, without and with a schedule"),
    )


def _fullest(plans: Sequence[Plan]) -> str:
    return SECTION.substitute(
        japanese="最も混む回線",
        english="The fullest lines",
        text_japanese="一斉照会の日の回線使用率と、当日にすべて送信するのに必要な時間枠。市町村名の右は人口。",
        text_english="Use of the line on the day of a mass inquiry, and the window that would let everything go on that "
        "day. After the name: population.",
        body=_chart(fullest(by_use(plans)[:FULLEST]), "The fullest lines"),
    )


def _study() -> str:
    head = "".join(
        f"<th>{model.letter}: {model.population:,} 人 people<br>{model.kbps:,} kbit/s</th>"
        for model in study.MODEL_MUNICIPALITIES
    )
    rows = "\n".join(_row(label, figures) for label, figures in _study_rows())
    return SECTION.substitute(
        japanese="報告書の数値",
        english="The study's own figures",
        text_japanese=f"4-4、5-2の数値（人口{study.POPULATION:,}人に対する比率による）。",
        text_english=f"Sections 4-4 and 5-2, as shares of {study.POPULATION:,} people.",
        body=f'<div class="scroll"><table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table></div>',
    )


def _study_rows() -> Iterator[tuple[str, list[str]]]:
    plans = [plan(model.population, STUDY, Sender(model.kbps)) for model in study.MODEL_MUNICIPALITIES]
    yield "年間 a year (KB)", [f"{each.periods[0].kilobytes:,}" for each in plans]
    yield "一斉照会の1日 the day of a mass inquiry (KB)", [f"{each.mass_inquiry.kilobytes:,}" for each in plans]
    for index, period in enumerate(study.PERIODS):
        loads = [each.periods[index] for each in plans]
        yield f"{period.japanese} {period.english} (kbit/s)", [f"{load.kbps:,}" for load in loads]
        yield f"{period.japanese} {period.english} (%)", [f"{load.use}" for load in loads]


def _row(label: str, figures: Sequence[str]) -> str:
    return f"<tr><th>{label}</th>{''.join(f'<td>{figure}</td>' for figure in figures)}</tr>"


def _notes(plans: Sequence[Plan]) -> str:
    people = sum(each.population for each in plans)
    return SECTION.substitute(
        japanese="前提と出典",
        english="What is assumed, and sources",
        text_japanese="",
        text_english="",
        body=NOTES.substitute(people=f"{people:,}", total=f"{study.ANNUAL:,}", day=f"{study.MASS_DAY:,}"),
    )


def _chart(drawn: str, label: str) -> str:
    return CHART.substitute(svg=drawn, label=label)
