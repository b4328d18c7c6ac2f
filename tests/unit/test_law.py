"""The law table: what is read from the official text, and what it allows. The oracle was made independently."""

import csv
from collections.abc import Collection
from pathlib import Path
from typing import Final

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.law import EDITION, AgencyClass, LawRow, load_table
from schemas.law.agency_class import EVERY_CLASS
from schemas.law.information import Term, load_terms
from schemas.law.parties import Party, read_parties
from schemas.refusal import RefusalCode

TABLE: Final = load_table()
LINES: Final = {(line.row, line.branch): line for line in TABLE.rows}
TERMS: Final = {term.name: term for term in load_terms()}
NAMES: Final = {name: term.identifier for name, term in TERMS.items() if name.endswith("情報")}
DEFINITIONS: Final = {name: term.definition for name, term in TERMS.items()}
MATRIX: Final = Path(__file__).parents[1] / "data" / "appended-table-2-matrix.csv"

PREFECTURE: Final = {
    AgencyClass.GOVERNOR: "○",
    AgencyClass.GOVERNOR_ETC: "○",
    AgencyClass.PREFECTURAL_EDUCATION_BOARD: "○",
}
MUNICIPALITY: Final = {
    AgencyClass.MAYOR: "○",
    AgencyClass.GOVERNOR_ETC: "△",
    AgencyClass.HIROSHIMA_MAYOR: "○",
    AgencyClass.NAGASAKI_MAYOR: "○",
    AgencyClass.MUNICIPAL_EDUCATION_BOARD: "○",
}

OTHER_LAW: Final = (
    "Aその他のB leaves B open: lines 22-1, 88-1 and 97-2 end in the same words "
    "(医療に関する給付の支給を行うこととされている者) and the oracle marks them ?; "
    "that 医療保険者 is an example of them settles the municipality only"
)
DISAGREEMENTS: Final = {
    ("16", "1", "other_information"): (
        "○",
        "the words before 又は are information of their own: 116-1 lists the identical words beside 障害者関係情報",
    ),
    ("17", "1", "provider_prefecture"): ("?", OTHER_LAW),
    ("106", "1", "provider_prefecture"): ("?", OTHER_LAW),
    ("74", "1", "inquirer_prefecture"): (
        "?",
        "下欄に掲げる者 are whoever article 17 of another law lists: open in the text, "
        "and governors act under that article (和歌山県昭和46年規則98号)",
    ),
}
"""Where the text proves the oracle wrong: our mark, and why."""


def mark(party: Party, marks: dict[AgencyClass, str]) -> str:
    if party.candidates == EVERY_CLASS:
        return "?"
    return strongest([marks.get(each, "×") for each in party.candidates])


def strongest(marks: list[str]) -> str:
    return min(marks, key="○△?×".index)


def computed(line: LawRow) -> dict[str, str]:
    """The line in the oracle's columns, as far as the oracle's marks are about what we parse."""
    listed = {kind.identifier for kind in line.information}
    sides = {"inquirer": line.inquirer, "provider": line.provider}
    return {
        **{
            f"{side}_{word}": strongest([mark(party, marks) for party in parties])
            for side, parties in sides.items()
            for word, marks in (("prefecture", PREFECTURE), ("municipality", MUNICIPALITY))
        },
        **{name: "○" if identifier in listed else "" for name, identifier in NAMES.items()},
        "other_information": "○" if None in listed else "",
    }


def oracle() -> dict[tuple[str, int], dict[str, str]]:
    with MATRIX.open(encoding="utf-8") as lines:
        return {(entry["row_no"], int(entry["branch_no"])): entry for entry in csv.DictReader(lines)}


def differences(key: tuple[str, int], expected: dict[str, str]) -> dict[tuple[str, str, str], str]:
    found = computed(LINES[key])
    return {(key[0], str(key[1]), name): value for name, value in found.items() if value != expected[name]}


def test_every_line_agrees_with_the_oracle_except_where_the_text_proves_it_wrong() -> None:
    """Defined names, other information and ○ △ × ? of all 259 lines are the matrix, four proven marks aside."""
    found = {key: value for line, expected in oracle().items() for key, value in differences(line, expected).items()}
    assert found == {key: value for key, (value, _) in DISAGREEMENTS.items()}


def test_the_oracle_covers_every_line_but_the_deleted_one() -> None:
    """260 lines in 121 rows; the matrix has all but row 36, which is kept as deleted."""
    assert len(TABLE.rows) == len(LINES) == 260
    assert len({line.row for line in TABLE.rows}) == 121
    assert LINES.keys() - oracle().keys() == {("36", 1)}
    assert LINES["36", 1].deleted


def test_how_much_of_the_table_is_resolved() -> None:
    """The rules resolve 111 lines wholly and 74 partly; 75 (the deleted one among them) can allow nothing."""
    wholly = sum(line.resolved for line in TABLE.rows)
    partly = sum(line.usable and not line.resolved for line in TABLE.rows)
    assert (wholly, partly, len(TABLE.rows) - wholly - partly) == (111, 74, 75)


def test_every_class_is_named_by_the_table_or_by_one_of_its_definitions() -> None:
    """The enumeration is closed: no class without a place in the table."""
    sides = [party for line in TABLE.rows for party in (*line.inquirer, *line.provider)]
    assert {party.agency_class for party in sides} - {None} == EVERY_CLASS


@pytest.mark.parametrize("term", [term for term in TERMS.values() if term.row.isdecimal()], ids=lambda term: term.name)
def test_a_term_is_listed_in_the_row_that_defines_it(term: Term) -> None:
    """Row numbers of the definitions are those of this edition."""
    lines = [line for line in TABLE.rows if line.row == term.row]
    parties = {party.text for line in lines for party in line.provider}
    information = {kind.identifier for line in lines for kind in line.information}
    assert term.name in parties or term.identifier in information


@pytest.mark.parametrize(
    ("text", "alternatives"),
    [
        ("厚生労働大臣若しくは日本年金機構又は共済組合等", ["厚生労働大臣", "日本年金機構", "共済組合等"]),
        (
            "公営住宅法に規定する事業主体である都道府県知事又は市町村長",
            ["公営住宅法に規定する事業主体である都道府県知事", "公営住宅法に規定する事業主体である市町村長"],
        ),
        ("健康保険法第五十五条又は第百二十八条に規定する者", ["健康保険法第五十五条又は第百二十八条に規定する者"]),
        ("医療保険者（甲（乙又は丙をいう。）をいう。）又は市町村長", ["医療保険者", "市町村長"]),
        ("市町村長（下欄に掲げる者を含む。）", ["市町村長", "下欄に掲げる者"]),
        ("医療保険者その他の支給する者", ["医療保険者", "医療保険者その他の支給する者"]),
    ],
)
def test_a_cell_is_read_by_its_wording(text: str, alternatives: list[str]) -> None:
    """又は, 若しくは and 、 join alternatives; articles, definitions and qualifying clauses are not torn apart."""
    assert [party.text for party in read_parties(text, DEFINITIONS)] == alternatives


def test_a_qualified_name_is_unresolved_and_can_mean_only_that_class() -> None:
    """保健所を設置する市の長 can be a mayor and nobody else; 共済組合等 can be no organ of a local government."""
    city, society, mutual_aid = read_parties(
        "保健所を設置する市の長、甲に係る国民健康保険組合又は共済組合等", DEFINITIONS
    )
    assert city.agency_class is None
    assert city.candidates == {AgencyClass.MAYOR}
    assert society.agency_class is None
    assert society.candidates == {AgencyClass.NATIONAL_HEALTH_INSURANCE_SOCIETY}
    assert mutual_aid.agency_class is None
    assert mutual_aid.candidates.isdisjoint({AgencyClass.MAYOR, AgencyClass.GOVERNOR})


def judge(line: LawRow, inquirer: Collection[str], provider: Collection[str], information: str) -> RefusalCode | None:
    judgement = TABLE.judge(
        line.row, line.branch, inquirer_classes=inquirer, provider_classes=provider, information=information
    )
    assert judgement.rule == f"table2 {EDITION} {line.row}-{line.branch}"
    return judgement.refusal


lines = st.sampled_from(TABLE.rows)
classes = st.frozensets(st.sampled_from(AgencyClass))
information = st.sampled_from(sorted(NAMES.values()))
CITY: Final = frozenset({AgencyClass.MAYOR, AgencyClass.GOVERNOR_ETC})
TOWN: Final = frozenset({AgencyClass.MAYOR})
GOVERNOR: Final = frozenset({AgencyClass.GOVERNOR, AgencyClass.GOVERNOR_ETC})


@pytest.mark.parametrize("inquirer", ["prefecture", "municipality"])
@pytest.mark.parametrize("provider", ["prefecture", "municipality"])
def test_local_governments_may_ask_each_other_only_what_the_oracle_marks(inquirer: str, provider: str) -> None:
    """Allowed means ○ or △ on both sides and ○ under the name; where a line is resolved, the reverse holds too."""
    agencies = {"prefecture": frozenset(PREFECTURE), "municipality": frozenset(MUNICIPALITY)}
    for key, marks in oracle().items():
        sides = marks[f"inquirer_{inquirer}"] in "○△" and marks[f"provider_{provider}"] in "○△"
        for name, identifier in NAMES.items():
            allowed = judge(LINES[key], agencies[inquirer], agencies[provider], identifier) is None
            marked = sides and marks[name] == "○"
            assert marked >= allowed
            assert marked == allowed or not LINES[key].resolved


@given(lines, classes, classes, information)
def test_a_denial_says_unresolved_only_if_resolving_could_allow_it(
    line: LawRow, inquirer: frozenset[AgencyClass], provider: frozenset[AgencyClass], asked: str
) -> None:
    """class_unresolved needs something unresolved in the line; a wholly resolved line only allows or forbids."""
    if judge(line, inquirer, provider, asked) == RefusalCode.CLASS_UNRESOLVED:
        assert not line.resolved
        assert not line.deleted


@given(lines, classes, classes, classes, information)
def test_a_further_class_never_takes_a_permission_away(
    line: LawRow,
    inquirer: frozenset[AgencyClass],
    provider: frozenset[AgencyClass],
    more: frozenset[AgencyClass],
    asked: str,
) -> None:
    """The judgement is monotonic in the classes of both sides."""
    if judge(line, inquirer, provider, asked) is None:
        assert judge(line, inquirer | more, provider | more, asked) is None


@given(lines.filter(lambda line: not line.usable), information)
def test_a_line_without_a_resolved_side_or_name_allows_nobody(line: LawRow, asked: str) -> None:
    """Unresolved text never allows, not even an agency of every class."""
    assert judge(line, EVERY_CLASS, EVERY_CLASS, asked) is not None


@given(st.text(max_size=8), st.integers())
def test_a_line_that_does_not_exist_allows_nothing(row: str, branch: int) -> None:
    """The rule then names the edition alone and repeats nothing of what was asked."""
    assume((row, branch) not in LINES)
    judgement = TABLE.judge(row, branch, inquirer_classes=EVERY_CLASS, provider_classes=EVERY_CLASS, information="x")
    assert (judgement.refusal, judgement.rule) == (RefusalCode.NOT_IN_LAW_TABLE, f"table2 {EDITION}")


@given(classes, classes, information)
def test_the_deleted_row_never_matches(
    inquirer: frozenset[AgencyClass], provider: frozenset[AgencyClass], asked: str
) -> None:
    """Row 36 (削除) keeps its number and nothing else."""
    assert judge(LINES["36", 1], inquirer, provider, asked) == RefusalCode.NOT_IN_LAW_TABLE


@pytest.mark.parametrize(
    ("key", "inquirer", "provider", "asked", "refusal"),
    [
        (("57", 2), CITY, TOWN, "local_tax_info", None),
        (("57", 2), {"mayor", "governor_etc"}, ["mayor"], "local_tax_info", None),
        (("57", 2), TOWN, TOWN, "local_tax_info", "not_in_law_table"),
        (("57", 2), CITY, TOWN, "public_assistance_info", "class_unresolved"),
        (("57", 4), CITY, GOVERNOR, "local_tax_info", "not_in_law_table"),
        (("31", 3), CITY, TOWN, "local_tax_info", "class_unresolved"),
        (("31", 3), {AgencyClass.MINISTER_HEALTH}, TOWN, "local_tax_info", "not_in_law_table"),
        (("31", 3), (), TOWN, "local_tax_info", "class_unresolved"),
        (("8", 1), (), TOWN, "local_tax_info", "not_in_law_table"),
        (("26", 1), CITY, CITY, "medical_insurance_benefit_info", "class_unresolved"),
        (("26", 1), CITY, {AgencyClass.LATE_ELDERLY_UNION}, "medical_insurance_benefit_info", None),
        (("26", 1), CITY, GOVERNOR, "medical_insurance_benefit_info", "not_in_law_table"),
    ],
)
def test_lines_that_people_will_ask_about(
    key: tuple[str, int], inquirer: Collection[str], provider: Collection[str], asked: str, refusal: str | None
) -> None:
    """児童扶養手当 (57), 公営住宅 (31), 生活保護 (26): a town without welfare office, an open insurer, no class."""
    assert judge(LINES[key], inquirer, provider, asked) == refusal
