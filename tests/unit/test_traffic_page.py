"""The report page: complete, self-contained, the same for the same installation, made without network and quickly."""

import re
import resource
import socket
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest

from schemas.agencies import load_municipalities
from services.traffic import study
from services.traffic.lines import Lines
from services.traffic.model import STUDY, installation
from services.traffic.plan import Plan, plan_all
from services.traffic.report import by_use, overfull, report
from services.traffic.schedule import HOUR, Window

LINES: Final = Lines()
SECONDS: Final = 10
SVG: Final = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def plans() -> tuple[Plan, ...]:
    return plan_all(installation(load_municipalities()), LINES, Window())


@pytest.fixture(scope="module")
def page(plans: tuple[Plan, ...]) -> str:
    return report(plans, LINES, Window())


@pytest.fixture(scope="module")
def charts(page: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]


class Elements(HTMLParser):
    """Names, ids and references of a page's elements, and what was left open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.ids: list[str] = []
        self.references: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.references += [value or "" for name, value in attrs if name in ("href", "xlink:href", "src", "srcset")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)


def test_the_page_loads_nothing(page: str) -> None:
    """No script, no address but XML namespaces, references only into itself; its policy forbids anything else."""
    elements = Elements(page)
    assert not elements.names & {"script", "img", "link", "iframe", "object", "embed", "image"}
    assert set(re.findall(r"https?://[^\"' )]+", page)) == {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert {reference.removeprefix("#") for reference in elements.references} <= set(elements.ids)
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(elements.ids)
    assert "default-src 'none'" in page


def test_the_page_is_well_formed(page: str) -> None:
    """Every element is closed, no id is there twice."""
    elements = Elements(page)
    assert elements.open == []
    assert len(elements.ids) == len(set(elements.ids))


def test_every_municipality_is_a_point_in_every_period(charts: list[ElementTree.Element]) -> None:
    """1,741 times three, and the study's four times three."""
    points = [use for use in charts[0].iter(f"{SVG}use") if float(use.get("y", "0")) < 370]
    assert len(points) >= (1741 + 4) * len(study.PERIODS)


def test_text_is_text_in_two_languages(charts: list[ElementTree.Element]) -> None:
    """Not outlines: the browser draws it, and a reader can search it."""
    words = ["".join(text.itertext()) for chart in charts for text in chart.iter(f"{SVG}text")]
    for japanese, english in (
        ("人口（人）", "population (people)"),
        ("通信量・回線速度", "load and line (kbit/s)"),
        ("一斉照会", "mass inquiry"),
        ("調整なし", "without a schedule"),
        ("調整あり", "with a schedule"),
        ("翌日", "next day"),
        ("回線使用率（％）", "line use (%)"),
    ):
        assert any(japanese in word and english in word for word in words), japanese


def test_the_ten_fullest_lines_are_those_just_below_the_step(plans: tuple[Plan, ...], page: str) -> None:
    """The largest municipalities that have 128 kbit/s; each is named in the page."""
    on_small_lines = sorted((each for each in plans if each.population <= 100_000), key=lambda each: -each.population)
    fullest = by_use(plans)[:10]
    assert fullest == on_small_lines[:10]
    assert all(each.municipality and each.municipality.name in page for each in fullest)


def test_thirteen_municipalities_cannot_fit_the_mass_inquiry(plans: tuple[Plan, ...]) -> None:
    """On the assumed lines: those between 96,713 and 100,000 people."""
    over = overfull(plans)
    assert len(over) == 13
    assert over == [each for each in by_use(plans) if 96_713 <= each.population <= 100_000]


def test_every_figure_of_the_study_is_on_the_page(page: str) -> None:
    """The table of 5-2."""
    for figure in ("71,636,172", "468,540", "165.82", "33.17", "65.07", "1,301.50", "101.7", "9,173,538,531"):
        assert figure in page


def test_the_source_is_credited(page: str) -> None:
    """As the licence of government statistics asks."""
    assert "出典：総務省「マイナンバーカード交付状況(令和4年12月末)」を加工して作成" in page


@pytest.mark.parametrize("hours", [1, 4, 8, 24])
def test_any_line_and_window_can_be_drawn(plans: tuple[Plan, ...], hours: int) -> None:
    """Also where nothing has to move."""
    lines = Lines(small=10_000, large=10_000)
    assert "0 KB" in report(plans[:12], lines, Window(hours * HOUR))
    assert report(plans[:12], Lines(small=1), Window(hours * HOUR))


def test_the_same_installation_gives_the_same_page(page: str, plans: tuple[Plan, ...]) -> None:
    """Byte for byte: no date, no random id."""
    assert report(plans, LINES, Window()) == page


def test_the_page_is_made_without_network(plans: tuple[Plan, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket is opened."""
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("a socket was opened"))
    assert report(plans[:20], LINES, Window())


def test_the_page_is_made_quickly(tmp_path: Path) -> None:
    """From a cold start; processor time, since this machine may have other things to do."""
    begun = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = "from services.operator.traffic import application; application()"
    output = tmp_path / "page" / "traffic.html"
    subprocess.run([sys.executable, "-W", "error", "-c", command, "report", "--output", output], check=True)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime < SECONDS
    assert output.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_study_divides_by_other_people_than_the_page(plans: tuple[Plan, ...]) -> None:
    """98,348 people fit with the study's shares; with the list's, 96,712 do."""
    assert {each.shares.people for each in plans} == {125_927_902}
    shares = installation(load_municipalities())
    assert shares.kilobytes(study.MASS_DAY, 96_712) <= 460_800 < shares.kilobytes(study.MASS_DAY, 96_713)
    assert STUDY.kilobytes(study.MASS_DAY, 98_348) <= 460_800 < STUDY.kilobytes(study.MASS_DAY, 98_349)
