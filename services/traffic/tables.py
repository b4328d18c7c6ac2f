"""A plan as tables for the terminal."""

from collections.abc import Iterator

from rich.console import Group
from rich.table import Table
from rich.text import Text

from services.traffic.plan import Plan
from services.traffic.wording import name, spelled, verdict


def tables(plan: Plan) -> Group:
    """Who and on which line, the load of each period, the schedule of the mass inquiry, and a sentence about it."""
    return Group(Text(_heading(plan)), _loads(plan), _schedule(plan), Text(verdict(plan)))


def _heading(plan: Plan) -> str:
    share = f"share of {plan.shares.people:,} people ({plan.shares.name})"
    return f"{name(plan)}\n人口 population {plan.population:,}, {share}\n回線 line {plan.sender.kbps:,} kbit/s"


def _loads(plan: Plan) -> Table:
    table = Table(title="回線の負荷 load on the line", title_justify="left")
    table.add_column("期間 period", no_wrap=True)
    for heading in ("KB", "時間 over", "kbit/s", "使用率 line use"):
        table.add_column(heading, justify="right", no_wrap=True)
    for load in plan.periods:
        label = f"{load.period.japanese} {load.period.english}"
        table.add_row(label, f"{load.kilobytes:,}", spelled(load.seconds), f"{load.kbps:,}", f"{load.use:,} %")
    return table


def _schedule(plan: Plan) -> Table:
    table = Table(show_header=False, title="一斉照会の送信計画 schedule of the mass inquiry", title_justify="left")
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    for label, figure in _lines(plan):
        table.add_row(label, figure)
    return table


def _lines(plan: Plan) -> Iterator[tuple[str, str]]:
    schedule = plan.schedule
    yield "1日の送信枠 fits into a day's window", f"{schedule.capacity:,} KB"
    yield "当日に送信 sent on the day", f"{schedule.today:,} KB"
    yield "翌日以降に送信 must move to later days", f"{schedule.moved:,} KB"
    yield "送信日数 days of sending", f"{schedule.days:,}"
    yield "最長の待ち時間 longest wait, asked evenly", spelled(schedule.longest_wait)
    yield "同・一度に照会 longest wait, asked all at once", spelled(schedule.longest_wait_at_once)
    yield "必要な時間枠 window that is needed", spelled(schedule.needed_seconds)
    yield "同・最長の待ち時間 longest wait in that window", spelled(schedule.wait_if_needed)
    yield "必要な回線速度 or the line that is needed", f"{schedule.needed_kbps:,} kbit/s"
