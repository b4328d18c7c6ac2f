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
from services.traffic.notes import assumptions, example_set, study_figures
from services.traffic.page import CHART, FACT, PAGE, SECTION, TEXT
from services.traffic.plan import Plan
from services.traffic.schedule import HOUR, Hour, Sender, Window, hours, longest_wait
from services.traffic.wording import JAPANESE, name, spelled

OFFICE_DAY: Final = (20, 18, 14, 8, 12, 12, 10, 6)
"""How much is asked in each of the eight hours of a day at the counters, in hundredths. **Assumed**: the study spreads
the day's load evenly, and so does everything here but the chart by hour."""
FULLEST: Final = 10
EXAMPLE: Final = study.MODEL_MUNICIPALITIES[1]
"""市町村B: the one of the study's four whose line overflows."""


def report(plans: Sequence[Plan], lines: Lines, window: Window) -> str:
    """The page for these plans of municipalities, as HTML."""
    charts = (_population(plans, lines), _day(lines, window), _fullest(plans))
    texts = (study_figures(), example_set(), assumptions(plans))
    return PAGE.substitute(facts="\n".join(_facts(plans)), sections="\n".join((*charts, *texts)))


def overfull(plans: Sequence[Plan]) -> list[Plan]:
    """Those whose mass inquiry does not fit into the window, the fullest first."""
    return [each for each in by_use(plans) if not each.schedule.fits]


def by_use(plans: Sequence[Plan]) -> list[Plan]:
    """The fullest line first: by the window that it needs, finer than per cent."""
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
    yield _fact(needed, f"必要な時間枠の最大：{name(longest)}", "longest window that is needed")


def _fact(figure: str, japanese: str, english: str, mark: str = "") -> str:
    return FACT.substitute(figure=figure, japanese=escape(japanese), english=escape(english), mark=mark)


def _population(plans: Sequence[Plan], lines: Lines) -> str:
    text = TEXT.substitute(
        japanese=f"点は{len(plans):,}市町村、黒線は回線の速度（両対数）。白丸は報告書の市町村A～D。",
        english=f"Dots are the {len(plans):,} municipalities, the black line is the access line; both axes are "
        "logarithmic. White circles are the study's model municipalities A to D.",
    )
    return _section("人口別の通信量と回線", "Load against line, by population", text, by_population(plans, lines))


def _day(lines: Lines, window: Window) -> str:
    sender = Sender(lines.of(EXAMPLE.population), window)
    asked = asked_by_hour(STUDY.kilobytes(study.MASS_DAY, EXAMPLE.population), window)
    drawn = list(takewhile(lambda hour: hour.day <= 1, hours(asked, sender.kbps, window.opens)))
    chart = by_hour(drawn, sender.kbps)
    return _section("一斉照会の日、1時間ごと", "A mass inquiry, hour by hour", _day_text(asked, drawn, sender), chart)


def _day_text(asked: Sequence[int], drawn: Sequence[Hour], sender: Sender) -> str:
    moved = sum(asked) - sum(hour.sent for hour in drawn if hour.day == 0)
    wait = ceil(longest_wait(asked, sender))
    needed = sender.window.seconds + ceil(moved / sender.speed)
    return TEXT.substitute(
        japanese=f"市町村B（人口{EXAMPLE.population:,}人、{sender.kbps:,} kbit/s）。送信を調整すると、"
        f"翌日に回るのは{moved:,} KB、待ち時間は最長{spelled(wait, JAPANESE)}。"
        f"時間枠を{spelled(needed, JAPANESE)}にすれば、すべて当日に送信できる。1日の山の形は仮定。",
        english=f"Municipality B ({EXAMPLE.population:,} people, {sender.kbps:,} kbit/s). With a schedule "
        f"{moved:,} KB move to the next day, and somebody waits {spelled(wait)} at most; in a window of "
        f"{spelled(needed)} everything goes on the day itself. The shape of the day is assumed.",
    )


def _fullest(plans: Sequence[Plan]) -> str:
    text = TEXT.substitute(
        japanese="一斉照会の日の回線使用率と、当日にすべて送信するのに必要な時間枠。市町村名の右は人口。",
        english="Use of the line on the day of a mass inquiry, and the window in which everything could go on that "
        "day. After the name: population.",
    )
    return _section("最も混む回線", f"The {FULLEST} fullest lines", text, fullest(by_use(plans)[:FULLEST]))


def _section(japanese: str, english: str, text: str, svg: str) -> str:
    chart = CHART.substitute(svg=svg, label=f"{japanese} {english}")
    return SECTION.substitute(japanese=japanese, english=english, body=f"{text}\n{chart}")
