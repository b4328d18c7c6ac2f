"""Commands about persons, copies, flags and staff on a running installation: done means in force, wrong changes nothing."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from schemas.control import Officer
from services.exchange import store as exchange
from services.operator import people, residents
from services.operator.demo import ASKER, ELSEWHERE, NEIGHBOUR, YEAR
from services.operator.samples import income_tax_certificate
from services.operator.tables import tables
from tests.site import Resident, Site, inquiry, rows

FIRST = Resident(900, NEIGHBOUR)
"""A person of these tests alone."""


@pytest.fixture(autouse=True)
def _here(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands work on the installation of the session, whose servers are elsewhere than in its folder."""
    monkeypatch.setattr(people, "opened", lambda folder: site)


def given(folder: Path, text: str) -> Path:
    path = folder / "given"
    path.write_text(text)
    return path


def enrolled(site: Site, folder: Path, text: str) -> None:
    people.enroll(given(folder, text), site.folder)


def core_count(site: Site) -> int:
    return int(rows(site, "SELECT count(*) FROM hub.persons")[0][0])


def bindings(site: Site) -> list[tuple[object, ...]]:
    return rows(site, "SELECT agency, number, link_code FROM id_conversion.codes ORDER BY agency, number")


def code_of(site: Site, agency: str, number: str) -> bytes:
    return asyncio.run(residents.link_code(site, agency, number.encode()))


def test_a_known_number_keeps_its_person(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A later file adds a number to the same core id; the same file again changes nothing; a join of two is refused."""
    enrolled(site, tmp_path, f"{ASKER},{NEIGHBOUR}\nTYPED1,TYPED5 \nTYPED2,TYPED6\n")
    assert "4 added, 0 kept; white space was cut off 1 cells" in capsys.readouterr().out
    cores, code = core_count(site), code_of(site, NEIGHBOUR, "TYPED5")
    enrolled(site, tmp_path, f"{ASKER},{ELSEWHERE}\nTYPED1,TYPED7\n")
    assert "1 added, 1 kept" in capsys.readouterr().out
    assert (core_count(site), code_of(site, NEIGHBOUR, "TYPED5")) == (cores, code)
    before = bindings(site)
    enrolled(site, tmp_path, f"{ASKER},{ELSEWHERE}\nTYPED1,TYPED7\n")
    assert "0 added, 2 kept" in capsys.readouterr().out
    for wrong, reason in [
        ("TYPED8,TYPED9\nTYPED1,TYPED6", "line 3: the numbers belong to 2 different persons"),
        ("TYPED8,TYPED9\nTYPED1,TYPED0", f"line 3, {NEIGHBOUR}: the person has another number at this agency"),
    ]:
        with pytest.raises(SystemExit, match="2"):
            enrolled(site, tmp_path, f"{ASKER},{NEIGHBOUR}\n{wrong}\n")
        assert reason in capsys.readouterr().err
    assert (core_count(site), bindings(site)) == (cores, before)


def test_a_flag_is_in_force_when_the_command_returns(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """It says for which agency and since when, not about whom; a number that is unknown is refused without --new."""
    resident = Resident(0, NEIGHBOUR)
    for automatic in (False, True):
        people.flag(NEIGHBOUR, f"{resident.known_as} ", automatic, False, site.folder)
        said = capsys.readouterr().out
        assert re.search(rf"^{NEIGHBOUR}: .* since 20\S+Z; white space was cut off 1 cells$", said, re.MULTILINE)
        assert resident.known_as not in said
        assert flags(site)[-1] == (automatic,)
    before = flags(site)
    with pytest.raises(SystemExit, match="2"):
        people.flag(NEIGHBOUR, "NOSUCHPERSON", False, False, site.folder)
    assert "does not know this person" in capsys.readouterr().err
    assert flags(site) == before
    people.flag(NEIGHBOUR, "NOSUCHPERSON", False, True, site.folder)
    assert len(flags(site)) == len(before) + 1


def flags(site: Site) -> list[tuple[object, ...]]:
    return rows(site, "SELECT automatic FROM reference.flags WHERE agency = %s ORDER BY appended", NEIGHBOUR)


def test_copies_are_found_until_they_are_withdrawn(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """New, unchanged, replaced; after a withdrawal (公開終了) an inquiry finds no data."""
    enrolled(site, tmp_path, f"{ASKER},{NEIGHBOUR}\n{FIRST.number},{FIRST.known_as}\n")
    item = "income_tax_certificate:1"
    for amount, kind in ((1, "new"), (1, "unchanged"), (2, "replaced")):
        copy = {"number": FIRST.known_as, "year": YEAR, "records": [income_tax_certificate(YEAR, amount)]}
        people.register(NEIGHBOUR, given(tmp_path, json.dumps(copy)), item, site.folder)
        assert f"1 {kind}" in capsys.readouterr().out
    assert outcome(site) == "records"
    place = json.dumps({"number": FIRST.known_as, "year": YEAR})
    people.withdraw(NEIGHBOUR, given(tmp_path, place), item, site.folder)
    assert "1 withdrawn" in capsys.readouterr().out
    assert outcome(site) == "no_data"


def outcome(site: Site) -> str:
    return asyncio.run(people._ask(site.folder, inquiry(FIRST), "http", 30)).outcome


def test_a_list_of_staff_says_its_changes(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Added, kept, removed; an office is stored in NFC without white space around it."""
    header = "staff,office,role\n"
    one, two = "a,か\u3099,clerk\n", "b,tax ,clerk\n"
    for text, said in [(one, "1 added, 0 kept, 0"), (one + two, "1 added, 1 kept, 0"), (two, "0 added, 1 kept, 1")]:
        people.load(ELSEWHERE, given(tmp_path, header + text), False, site.folder)
        assert said in capsys.readouterr().out
    assert asyncio.run(staff(site)) == {Officer(office="tax", role="clerk", staff="b")}
    with pytest.raises(SystemExit, match="2"):
        people.load(ELSEWHERE, given(tmp_path, header), False, site.folder)
    assert len(asyncio.run(staff(site))) == 1
    people.load(ELSEWHERE, given(tmp_path, header), True, site.folder)
    assert "0 added, 0 kept, 1 removed" in capsys.readouterr().out


async def staff(site: Site) -> set[Officer]:
    async with tables(site, "exchange") as database, database.transaction({ELSEWHERE}) as connection:
        return await exchange.listed_staff(connection, ELSEWHERE)
