"""`renkei traffic`: plans, refusals of what cannot be planned, settings, the load generator's profile."""

import json
from fractions import Fraction
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from schemas import canonical
from schemas.agencies import load_municipalities
from schemas.text import decoded
from services.operator.traffic import application
from services.runtime.errors import Misconfigured
from services.traffic import settings, study
from services.traffic.model import installation
from services.traffic.profile import LoadProfile, load_profile
from services.traffic.use_cases import load_linkages


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine's own, and tables as wide as they like."""
    for name in settings.TrafficSettings.model_fields:
        monkeypatch.delenv(settings.PREFIX + name.upper(), raising=False)
    monkeypatch.setenv("COLUMNS", "200")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application, arguments)


def planned(*arguments: str) -> dict[str, Any]:
    """The plan as JSON, read as strictly as a message of the wire."""
    result = run("plan", *arguments, "--json")
    assert result.exit_code == 0, result.output
    facts: dict[str, Any] = canonical.decode(result.stdout.rstrip("\n").encode())
    return facts


def test_a_plan_by_population_takes_the_studys_shares() -> None:
    """100,000 people, 市町村B: 130.15 kbit/s, 101.7 % of 128, in integers."""
    facts = planned("--population", "100000")
    assert facts["shares"] == {"of": "study", "people": study.POPULATION}
    assert facts["periods"][2] == {
        "period": "mass_inquiry",
        "kilobytes": 468_540,
        "seconds": 28_800,
        "bits_per_second": 130_150,
        "use_permille": 1_017,
    }
    assert (facts["schedule"]["moved_kilobytes"], facts["schedule"]["needed_window_seconds"]) == (7_740, 29_284)


def test_a_plan_by_code_takes_the_installations_shares() -> None:
    """札幌市, of the 125,927,902 in the list; or of the study's people, if asked."""
    facts = planned("011002")
    assert facts["municipality"] == {"code": "011002", "prefecture": "北海道", "name": "札幌市"}
    assert (facts["shares"]["people"], facts["line_kbps"]) == (125_927_902, 10_000)
    assert facts["periods"][0]["kilobytes"] == round(Fraction(study.ANNUAL * 1_960_668, 125_927_902))
    assert planned("011002", "--share-of", "study")["shares"]["people"] == study.POPULATION


def test_the_table_says_what_must_be_scheduled() -> None:
    """Loads, use and, where it does not fit, how much moves and what would help."""
    output = run("plan", "--population", "98349").output
    for words in ("460,804", "100.0 %", "翌日以降に送信", "8 h 1 s", "129 kbit/s", "4 KB must move"):
        assert words in output
    assert "nothing needs to be scheduled" in run("plan", "--population", "98348").output


def test_line_and_window_can_be_tried_out() -> None:
    """Twice the window, half the rate; a faster line, less use."""
    short, long = planned("--population", "100000", "--window", "4"), planned("--population", "100000", "--window", "8")
    assert short["periods"][2]["bits_per_second"] == pytest.approx(2 * long["periods"][2]["bits_per_second"], abs=27)
    assert short["periods"][0] == long["periods"][0]
    assert planned("--population", "100000", "--line", "256")["periods"][2]["use_permille"] == 508


def test_no_window_of_a_day_is_long_enough() -> None:
    """A million people on 128 kbit/s: eleven days, or the line that is named."""
    output = run("plan", "--population", "1000000", "--line", "128").output
    assert "takes 11 days" in output
    assert "1,302 kbit/s" in output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--population", "-1"], "expected a population from 0 to 128,057,352, got -1"),
        (["--population", "128057353"], "got 128,057,353"),
        (["011003"], "the check digit of 011003 should be 2"),
        (["01100"], "six digits"),
        (["札幌市"], "six digits"),
        (["999997"], "no municipality of 1,741 has the code 999997"),
        (["010006"], "010006 is a prefecture"),
        (["011002", "--population", "5"], "not both"),
        ([], "give either"),
        (["011002", "--line", "0"], "a line of more than 0 kbit/s"),
        (["011002", "--window", "25"], "less than or equal to 24"),
        (["--population", "many"], "a valid integer"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_planned_is_told_why(arguments: list[str], words: str) -> None:
    """In a sentence, without a traceback."""
    result = run("plan", *arguments)
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)
    assert words in result.output


def test_lines_are_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """By rule and by code."""
    monkeypatch.setenv("RENKEI_TRAFFIC_SMALL_LINE", "1000")
    monkeypatch.setenv("RENKEI_TRAFFIC_LINES", '{"011002": 100000}')
    assert (planned("--population", "100000")["line_kbps"], planned("011002")["line_kbps"]) == (1_000, 100_000)


def test_the_window_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours of a day."""
    monkeypatch.setenv("RENKEI_TRAFFIC_WINDOW_HOURS", "10")
    assert planned("--population", "100000")["window_seconds"] == 36_000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMALL_LINE", "0"),
        ("LARGE_LINE", "fast"),
        ("LINES", "{"),
        ("LINES", '{"011003": 128}'),
        ("LINES", '{"011002": -1}'),
        ("WINDOW_HOURS", "25"),
        ("LINE", "128"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    """Also an unknown one."""
    with pytest.raises(Misconfigured, match=f"RENKEI_TRAFFIC_{name}"):
        settings.load({f"RENKEI_TRAFFIC_{name}": value})


@pytest.mark.parametrize("command", [["plan", "011002"], ["report"]])
def test_a_wrong_setting_stops_the_command(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same sentence."""
    monkeypatch.setenv("RENKEI_TRAFFIC_SPEED", "1")
    assert "unknown settings: RENKEI_TRAFFIC_SPEED" in run(*command).output


def test_the_profile_of_the_whole_country() -> None:
    """Canonical JSON: every municipality by its people, 37 sorts of message, three rates; marked as assumed."""
    printed = run("profile").stdout.rstrip("\n").encode()
    profile = decoded(LoadProfile, printed, 2**20)
    assert sum(each.weight for each in profile.agencies) == 125_927_902
    assert len(profile.mix) == len(load_linkages())
    assert "assumed" in profile.assumed
    assert {each.kind for each in profile.mix} == {"inquiry", "notification"}


def test_the_rates_are_those_of_the_periods() -> None:
    """A busy hour has twice the messages of a normal one; the year's messages fill the normal hours exactly."""
    profile = whole_country()
    normal, busy, mass = profile.rates
    a_year = sum(each.weight for each in profile.mix)
    assert normal.messages_per_hour == pytest.approx(a_year * 3600 / study.NORMAL.seconds, abs=0.5)
    assert busy.messages_per_hour == pytest.approx(2 * normal.messages_per_hour, abs=1)
    assert mass.messages_per_hour == pytest.approx(a_year * study.MASS_DAY / study.ANNUAL / 8, abs=0.5)


def test_the_messages_of_the_profile_carry_the_studys_total() -> None:
    """Size × weight, twice between municipalities: the year's KB, but for whole bytes."""
    correction = {"municipalities": 2, "other": 1}
    carried = sum(each.bytes * each.weight * correction[each.parties] for each in whole_country().mix)
    assert carried == pytest.approx(study.ANNUAL * 1000, rel=1e-5)


def test_a_part_of_the_country_has_its_part_of_the_messages() -> None:
    """Rates go with the people, the mix stays."""
    municipalities = load_municipalities()
    some = load_profile(municipalities[:179], installation(municipalities), load_linkages())
    people = sum(each.population for each in municipalities[:179])
    whole = whole_country()
    assert some.mix == whole.mix
    for part, all_ in zip(some.rates, whole.rates, strict=True):
        assert part.messages_per_hour == pytest.approx(all_.messages_per_hour * people / 125_927_902, abs=1)


def whole_country() -> LoadProfile:
    return load_profile(load_municipalities(), installation(load_municipalities()), load_linkages())


def test_the_same_plan_is_the_same_json() -> None:
    """And no float is in it: canonical JSON has none."""
    first, second = (run("plan", "--population", "12345", "--json").stdout for _ in range(2))
    assert first == second
    assert json.loads(first, parse_float=lambda text: pytest.fail(f"{text} is no integer"))
