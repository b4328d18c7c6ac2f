"""`renkei exchange show`: the operator sees what became of an exchange, and nothing of what was asked or about whom."""

import asyncio
import itertools
import re
from dataclasses import replace

import httpx
import pytest
from typer.testing import CliRunner, Result

from schemas.request import Posted
from schemas.trail import Finding
from services.operator import asking
from services.operator.command import app
from services.operator.demo import ASKER, OFFICER, UNLAWFUL
from services.operator.history.steps import Step, distinct
from tests import site as sites
from tests.site import AMOUNT, CONDITION, FLAGGED, NUMBER, RESIDENTS, Resident, Site, inquiry

APPLICANT = RESIDENTS[0]


@pytest.fixture(autouse=True)
def command(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command finds the site's servers."""
    monkeypatch.setenv("RENKEI_KAFKA", site.kafka())
    monkeypatch.setenv("RENKEI_POSTGRES", site.superuser())


def show(site: Site, exchange: str) -> Result:
    return CliRunner().invoke(app, ["exchange", "show", exchange, "--folder", str(site.folder)])


def table(result: Result, title: str) -> list[dict[str, str]]:
    """The rows of a table, by the names of its columns; cells are two spaces or more apart."""
    assert result.exit_code == 0, result.output
    lines = [line.strip() for line in result.output.partition(title)[2].splitlines()]
    rows = list(itertools.takewhile(bool, itertools.dropwhile(lambda line: not line, lines)))
    names, _, *cells = [re.split(r"  +", row) for row in rows]
    return [dict(zip(names, row, strict=True)) for row in cells]


def steps(result: Result) -> list[tuple[str, ...]]:
    """(agency, block, layer, outcome, message) in the order in which they stand there; their times rise."""
    rows = table(result, "steps, as they were recorded")
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    return [tuple(row[name] for name in ("agency", "block", "layer", "outcome", "message")) for row in rows]


def state(result: Result) -> dict[str, str]:
    [row] = table(result, "exchange (処理状況)")
    return row


def decided(result: Result) -> set[tuple[str, ...]]:
    """(service, agency, step, verdict)."""
    rows = table(result, "decisions, as they are kept")
    return {tuple(row[name] for name in ("service", "agency", "step", "verdict")) for row in rows}


def test_an_answered_exchange(site: Site) -> None:
    """Out, in, out, in: every layer of both sides in the order of time, and what each decision point keeps."""
    there = APPLICANT.provider
    exchange = ask(site, APPLICANT)
    result = show(site, exchange)
    assert (state(result)["asked by"], state(result)["of"], state(result)["state"]) == (ASKER, there, "answered")
    assert state(result)["completed"] > state(result)["created"]
    trip = [step for step in steps(result) if step[1] != "hub"]
    assert trip == [
        (ASKER, "intermediate", "id_conversion", "allowed", "1 inquiry"),
        (ASKER, "linkage", "authorization", "allowed", "1 inquiry"),
        (ASKER, "linkage", "network", "allowed", "1 inquiry"),
        (there, "linkage", "authorization", "allowed", "1 inquiry"),
        (there, "linkage", "crypto", "allowed", "1 inquiry"),
        (there, "intermediate", "id_conversion", "allowed", "2 response"),
        (there, "linkage", "authorization", "allowed", "2 response"),
        (there, "linkage", "network", "allowed", "2 response"),
        (ASKER, "linkage", "authorization", "allowed", "2 response"),
        (ASKER, "linkage", "crypto", "allowed", "2 response"),
        (ASKER, "intermediate", "exchange", "allowed", "2 response"),
    ]
    messages = {row["message"]: row for row in table(result, "messages")}
    assert messages["1 inquiry"]["id"] == exchange
    assert (messages["2 response"]["from"], messages["2 response"]["to"]) == (there, ASKER)
    assert decided(result) >= {
        ("exchange", ASKER, "accept", "accepted"),
        ("exchange", ASKER, "finish", "completed"),
        ("routing", there, "ask", "asked"),
    }
    assert {row[0] for row in decided(result)} == {"exchange", "routing", "crypto", "hub"}


def test_a_refused_exchange(site: Site) -> None:
    """The layer that refused it, by which rule and edition."""
    result = show(site, ask(site, APPLICANT, unlawful=True))
    assert state(result)["state"] == "refused"
    assert (ASKER, "linkage", "authorization", "not_in_law_table", "1 inquiry") in steps(result)
    assert steps(result)[-1] == (ASKER, "intermediate", "exchange", "not_in_law_table", "1 inquiry")
    rows = table(result, "steps, as they were recorded")
    [refused] = [row for row in rows if (row["block"], row["outcome"]) == ("linkage", "not_in_law_table")]
    assert refused["rule"].startswith("table2 ")
    assert int(refused["edition"]) > 0


def test_an_exchange_that_timed_out(site: Site) -> None:
    """It reached the other side, waits there, and its asker's own deadline has ended it."""
    result = show(site, ask(site, FLAGGED))
    assert state(result)["state"] == "refused"
    assert steps(result)[-1] == (ASKER, "intermediate", "exchange", "timed_out", "1 inquiry")
    assert ("exchange", ASKER, "due", "completed") in decided(result)
    assert ("routing", FLAGGED.provider, "ask", "asked") in decided(result)


def test_nothing_of_the_person_is_shown(site: Site) -> None:
    """No number, no business data, not even who asked at the agency."""
    for result in (show(site, ask(site, APPLICANT)), show(site, ask(site, FLAGGED))):
        shown = [*site_markers(site), OFFICER.staff, OFFICER.office]
        assert [marker for marker in shown if marker in result.output] == []


@pytest.mark.parametrize(
    ("exchange", "said"),
    [("0199a3c4-0000-7000-8000-000000000000", "is known here"), ("no id", "is no id of an exchange")],
)
def test_what_is_unknown_is_one_line(site: Site, exchange: str, said: str) -> None:
    """And status 2."""
    result = show(site, exchange)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert exchange in result.stderr
    assert said in result.stderr


def test_what_was_recorded_again_stands_once() -> None:
    """Where it was first; two findings that differ in anything are two."""
    control = inquiry(APPLICANT).question.completed("2026-11-24T09:00:00.000Z", "2026-12-01T09:00:00.000Z")
    finding = Finding(layer="crypto", outcome="allowed", rule="opened", edition=3)
    first = Step("2026-11-24T09:00:01.000Z", ASKER, "linkage", finding, control)
    again = replace(first, time="2026-11-24T09:00:03.000Z")
    other = replace(again, agency=APPLICANT.provider)
    assert distinct([again, other, first]) == [first, other]


def ask(site: Site, resident: Resident, *, unlawful: bool = False) -> str:
    """Asks, and returns when all is over; about a flagged person nobody answers until the deadline."""
    return asyncio.run(_ask(site, inquiry(resident, UNLAWFUL) if unlawful else inquiry(resident)))


async def _ask(site: Site, posted: Posted) -> str:
    exchange: str = posted.question.id
    assert (await asking.post_http(site, posted)).status_code == httpx.codes.ACCEPTED
    await sites.settled(site)
    if (await asking.wait(site, ASKER, exchange, 5)).state == "waiting":
        sites.run_out(site, exchange)
        assert (await asking.wait(site, ASKER, exchange, 30)).outcome == "timed_out"
    await sites.settled(site)
    return exchange


def site_markers(site: Site) -> list[str]:
    """What is planted, and the link codes of those asked about."""
    codes = [code for resident in (APPLICANT, FLAGGED) for code in sites.link_codes(site, resident)]
    return [NUMBER, AMOUNT, CONDITION, *codes]
