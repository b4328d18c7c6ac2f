"""Files and options that an operator types: a wrong one is refused by line and field and changes nothing."""

import json
import string
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.control import Item, Officer
from schemas.directory import HUB
from schemas.number import checked, is_number
from services.operator import command, people
from services.operator.installation import Installation
from services.operator.keys import enrolment
from services.operator.lines import MOST_PROBLEMS, Trimming
from services.operator.persons import Person, cores_of, require_different, require_one_number
from services.operator.samples import income_tax_certificate
from services.operator.tables import now

CODE, OTHER = "221309", "221007"
ITEM = Item(name="income_tax_certificate", layout=1)
EXPECTED = "expected an internal number of 1 to 64 ASCII letters and digits"
WRONG = ["SYN００００００１", "1.23457E+12", "A" * 70, "SYN 1", "SYN-1", "太郎"]
NUMBERS = st.text(string.ascii_letters + string.digits, min_size=1, max_size=64)
CELLS = st.one_of(NUMBERS, st.text(st.characters(exclude_characters='\r\n,"', codec="utf-8"), max_size=70))
SPACES = st.sampled_from(["", " ", "\t", "　", "\u00a0"])

Said = Callable[..., str]


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    """Runs a command that fails with status 2 before any server is asked (none runs); its standard error."""
    Installation(tmp_path).prepare()
    enrolment.create_keys(Installation(tmp_path), [HUB, CODE, OTHER], "1", now())

    def failing(*told: str, text: str = "") -> str:
        given = tmp_path / "given"
        given.write_text(text)
        words = [str(given) if word == "FILE" else word for word in told]
        monkeypatch.setattr(sys, "argv", ["renkei", *words, "--folder", str(tmp_path)])
        with pytest.raises(SystemExit, match="2"):
            command.main()
        return capsys.readouterr().err

    return failing


def copy(number: str, **changed: object) -> str:
    return json.dumps({"number": number, "year": 2026, "records": [income_tax_certificate(2026)]} | changed)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_number_has_one_rule_at_every_edge(said: Said, wrong: str) -> None:
    """Persons, copies, withdrawals, flags and inquiries refuse what the wire refuses, and do not repeat it."""
    answers = [
        (said("person", "enroll", "FILE", text=f"{CODE},{OTHER}\nA,{wrong}\n"), f"line 2, {OTHER}: {EXPECTED}"),
        (said("replica", "register", CODE, "FILE", text=copy(wrong)), f"line 1: number: {EXPECTED}"),
        (
            said("replica", "withdraw", CODE, "FILE", text=json.dumps({"number": wrong, "year": 2026})),
            f"line 1: number: {EXPECTED}",
        ),
        (said("replica", "flag", CODE, "--number", wrong, "--no-automatic"), f"--number: {EXPECTED}"),
    ]
    for answer, reason in answers:
        assert answer == f"renkei: {reason}\n"


def test_a_row_without_a_number(said: Said) -> None:
    """It is no person."""
    answer = said("person", "enroll", "FILE", text=f"{CODE},{OTHER}\nA,B\n,\n")
    assert answer == "renkei: line 3: expected at least one internal number\n"


def test_lines_that_contradict(said: Said) -> None:
    """Both are named."""
    answer = said("person", "enroll", "FILE", text=f"{CODE},{OTHER}\nA,B\nC,D\nA ,E\n")
    assert answer == f"renkei: line 4, {CODE}: a number that stands in line 2\n"


@pytest.mark.parametrize("count", [0, 101])
def test_every_wrong_line_of_copies_is_named(said: Said, count: int) -> None:
    """As the reference database would drop it: no record or too many, a field, a year; nothing is published."""
    records = [income_tax_certificate(2026)] * count
    lines = [copy("A"), copy("B", records=records), copy("C", year=99), copy("D", records=[{"x": "太郎"}]), copy("A")]
    answer = said("replica", "register", CODE, "FILE", text="\n".join(lines))
    first, *rest = answer.splitlines()
    assert first.startswith("renkei: line 2: ")
    assert "records" in first
    assert rest[0].startswith("line 3: year: ")
    assert rest[1].startswith("line 4: records[0]: ")
    assert rest[2] == "line 5: the same number and year as line 1"
    assert "太郎" not in answer


def test_the_rest_of_many_wrong_lines_is_counted(said: Said) -> None:
    """A hundred are named."""
    answer = said("replica", "register", CODE, "FILE", text="\n".join([copy("太郎")] * (MOST_PROBLEMS + 7)))
    assert answer.count("number: expected") == MOST_PROBLEMS
    assert answer.endswith("and 7 more wrong lines\n")


def test_a_list_of_staff_that_would_do_harm(said: Said) -> None:
    """Without a row it removes everybody, of an agency that is not here it is nobody's, a line twice is a mistake."""
    header = "staff,office,role\n"
    assert "the file has no row: `--empty` removes everybody" in said("staff", "load", CODE, "FILE", text=header)
    assert "CODE: no keys of agency 131016 are here" in said(
        "staff", "load", "131016", "FILE", text=header + "a,tax,clerk\n"
    )
    twice = header + "a,が,clerk\na,か\u3099 ,clerk\n"
    assert said("staff", "load", CODE, "FILE", text=twice) == "renkei: line 3: the same as line 2\n"


def test_an_office_is_spelled_as_the_wire_spells_it(tmp_path: Path) -> None:
    """In NFC, without white space around it, so that an officer's post matches."""
    given = tmp_path / "given"
    given.write_text("staff,office,role\na,か\u3099 ,clerk\nb,が,clerk\n")
    officers, trimming = people._officers(given, empty=False)
    assert [officer.office for officer in officers] == ["が", "が"]
    assert trimming.said() == "; white space was cut off 1 cells"


@given(text=CELLS)
def test_text_and_bytes_are_judged_alike(text: str) -> None:
    """What the type refuses the wire refuses."""
    try:
        accepted = checked(text) == text
    except ValueError as error:
        accepted = False
        assert str(error) == EXPECTED
    assert accepted == is_number(text.encode())


@given(rows=st.lists(st.tuples(SPACES, CELLS, SPACES), min_size=1, max_size=8))
def test_a_file_of_persons_is_read_whole_or_refused_by_line(
    rows: list[tuple[str, str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every accepted number is found in the persons as it stands without white space; a refusal names each wrong line."""
    given = tmp_path_factory.mktemp("persons") / "given"
    given.write_text(f"{CODE},{OTHER}\n" + "".join(f"{a}{b}{c},X{n}\n" for n, (a, b, c) in enumerate(rows)), newline="")
    cells = ["".join(row).strip() for row in rows]
    wrong = [n for n, cell in enumerate(cells, 2) if cell and not is_number(cell.encode())]
    filled = [cell for cell in cells if cell]
    if wrong or len(set(filled)) < len(filled):
        with pytest.raises(ValueError, match=r"line [0-9]+, 221309: ") as caught:
            people._people({CODE, OTHER}, given)
        if wrong:
            assert [line.split(",")[0] for line in str(caught.value).splitlines()] == [f"line {n}" for n in wrong]
    else:
        found, _ = people._people({CODE, OTHER}, given)
        assert [person.numbers.get(CODE, "") for person in found] == cells


@given(number=NUMBERS, before=SPACES, after=SPACES)
def test_white_space_around_a_number_is_cut_off_and_counted(number: str, before: str, after: str) -> None:
    """Once a cell."""
    trimming = Trimming()
    assert trimming.number(before + number + after) == number
    assert trimming.count == bool(before or after)


def test_a_line_never_joins_two_persons() -> None:
    """Nor gives a person a second number at an agency, be the first one in the tables or in another line."""
    known = {(CODE, "A"): 1, (OTHER, "B"): 2}
    with pytest.raises(ValueError, match="line 7: the numbers belong to 2 different persons"):
        cores_of([Person(7, {CODE: "A", OTHER: "B"})], known)
    both = [Person(2, {CODE: "A", "401307": "X"}), Person(3, {OTHER: "B", "401307": "Y"})]
    require_different(both)
    with pytest.raises(ValueError, match="line 3, 401307: another number of the person in line 2"):
        require_one_number(both, [1, 1], {})
    with pytest.raises(ValueError, match="line 2, 401307: the person has another number at this agency"):
        require_one_number(both[:1], [1], {("401307", 1): "Z"})


def test_an_officer_is_frozen() -> None:
    """Lists of staff are compared as sets."""
    assert len({Officer(office="が", role="clerk", staff="a"), Officer(office="が", role="clerk", staff="a")}) == 1
