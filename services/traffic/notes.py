"""What stands below the charts: the study's own figures, what is assumed, and where the figures come from."""

from collections.abc import Iterator, Sequence

from services.traffic import study
from services.traffic.model import STUDY
from services.traffic.page import NOTE, SECTION, TEXT
from services.traffic.plan import Plan, plan
from services.traffic.schedule import Sender
from services.traffic.use_cases import load_linkages, traffic_by_information


def study_figures() -> str:
    """Every figure by population of 4-4 and 5-2, and what it is of the line."""
    text = TEXT.substitute(
        japanese=f"4-4、5-2の数値（人口{study.POPULATION:,}人に対する比率による）。",
        english=f"Sections 4-4 and 5-2, as shares of {study.POPULATION:,} people.",
    )
    head = "".join(f"<th>{_heading(model)}</th>" for model in study.MODEL_MUNICIPALITIES)
    rows = "\n".join(_row(label, figures) for label, figures in _rows())
    table = f'<div class="scroll"><table><thead><tr><th></th>{head}</tr></thead>\n<tbody>{rows}</tbody></table></div>'
    return SECTION.substitute(japanese="報告書の数値", english="The study's own figures", body=text + table)


def example_set() -> str:
    """Traffic of each item of information, by the assumed use cases."""
    by_information = traffic_by_information(load_linkages())
    english = {linkage.information: linkage.information_english for linkage in load_linkages()}
    rows = "\n".join(_row(f"{name} {english[name]}", [f"{kb:,}"]) for name, kb in by_information.most_common())
    text = TEXT.substitute(
        japanese="計算式（件あたりのサイズ×対象者数×件数×補正係数）は報告書、34のユースケースとサイズは仮定。合計を報告書に合わせた。",
        english="Size × persons × exchanges × correction is the study's rule; the 34 use cases and the sizes are "
        "assumed, and scaled to the study's total.",
    )
    head = "<thead><tr><th></th><th>KB/年 a year</th></tr></thead>"
    total = _row("合計 total", [f"{by_information.total():,}"])
    table = f'<div class="scroll"><table class="narrow">{head}\n<tbody>{rows}\n{total}</tbody></table></div>'
    return SECTION.substitute(
        japanese="連携情報ごとの通信量（例示）",
        english="Traffic of each item of information (an example)",
        body=text + table,
    )


def assumptions(plans: Sequence[Plan]) -> str:
    """Each with its translation."""
    notes = (_proportion(plans), _assumed(), _source())
    body = "\n".join(NOTE.substitute(japanese=japanese, english=english) for japanese, english in notes)
    return SECTION.substitute(japanese="前提と出典", english="What is assumed, and sources", body=f"<ul>{body}</ul>")


def _heading(model: study.ModelMunicipality) -> str:
    return f"{model.letter}: {model.population:,} 人 people<br>{model.kbps:,} kbit/s"


def _rows() -> Iterator[tuple[str, list[str]]]:
    plans = [plan(model.population, STUDY, Sender(model.kbps)) for model in study.MODEL_MUNICIPALITIES]
    yield "年間 a year (KB)", [f"{each.periods[0].kilobytes:,}" for each in plans]
    yield "一斉照会の1日 the day of a mass inquiry (KB)", [f"{each.mass_inquiry.kilobytes:,}" for each in plans]
    for index, period in enumerate(study.PERIODS):
        loads = [each.periods[index] for each in plans]
        yield f"{period.japanese} {period.english} (kbit/s)", [f"{load.kbps:,}" for load in loads]
        yield f"{period.japanese} {period.english} (%)", [f"{load.use}" for load in loads]


def _row(label: str, figures: Sequence[str]) -> str:
    return f"<tr><th>{label}</th>{''.join(f'<td>{figure}</td>' for figure in figures)}</tr>"


def _proportion(plans: Sequence[Plan]) -> tuple[str, str]:
    people = sum(each.population for each in plans)
    return (
        f"通信量は人口に比例する（報告書4-4）。全国で年間 {study.ANNUAL:,} KB、一斉照会の1日 {study.MASS_DAY:,} KB。"
        f"市町村の値は、ここに載る市町村の人口の合計 {people:,} 人に対する比率による。",
        f"Traffic is in proportion to population (study, 4-4): {study.ANNUAL:,} KB a year and {study.MASS_DAY:,} KB on "
        f"the day of a mass inquiry in the whole country, shared out among the {people:,} people of the municipalities "
        "shown here.",
    )


def _assumed() -> tuple[str, str]:
    return (
        "仮定：回線の速度（報告書は4つの人口規模にだけ示す）、1日の山の形、開始時刻、ユースケースとサイズ。"
        "報告書の数値自体も「今後精査が必要」とされている。",
        "Assumed: the lines (the study names four sizes only), the shape of a day, the hour at which it begins, "
        "the use cases and sizes. The study itself says that its figures need later scrutiny.",
    )


def _source() -> tuple[str, str]:
    return (
        "人口：2022年1月1日の住民基本台帳人口。出典：総務省「マイナンバーカード交付状況(令和4年12月末)」を加工して作成。"
        "個人情報は含まない。",
        "Population: resident register of 2022-01-01, made from figures of the Ministry of Internal Affairs and "
        "Communications. There is no personal data in here.",
    )
