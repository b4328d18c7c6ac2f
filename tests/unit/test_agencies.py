"""Codes, lists and classes of local governments."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.agencies import (
    Municipality,
    Prefecture,
    check_digit,
    checked,
    classes_of,
    load_municipalities,
    load_prefectures,
)
from schemas.law import AgencyClass

EVERYONE: Final[tuple[Municipality | Prefecture, ...]] = (*load_municipalities(), *load_prefectures())
BY_NAME: Final = {agency.name: agency for agency in EVERYONE}
GOVERNOR_ETC: Final = AgencyClass.GOVERNOR_ETC

numbers = st.text("0123456789", min_size=5, max_size=5)


def test_every_check_digit_of_the_country_is_right() -> None:
    """1,741 municipalities and 47 prefectures, each with a code of its own."""
    assert (len(load_municipalities()), len(load_prefectures())) == (1741, 47)
    assert all(int(agency.code[5]) == check_digit(agency.code[:5]) for agency in EVERYONE)
    assert len({agency.code for agency in EVERYONE}) == len(EVERYONE)


def test_the_two_lists_agree() -> None:
    """Population by prefecture is the sum of its municipalities', and a code begins with its prefecture's."""
    assert sum(each.population for each in load_prefectures()) == 125_927_902
    for prefecture in load_prefectures():
        members = [each for each in load_municipalities() if each.prefecture == prefecture.name]
        assert sum(each.population for each in members) == prefecture.population
        assert {each.code[:2] for each in members} == {prefecture.code[:2]}


@given(numbers)
def test_five_digits_and_their_check_digit_are_a_code(number: str) -> None:
    """Remainders 0 and 1 give 1 and 0: always one digit."""
    assert checked(f"{number}{check_digit(number)}")[:5] == number


@given(numbers, st.integers(0, 9))
def test_any_other_check_digit_is_refused(number: str, digit: int) -> None:
    """The message says what the digit should be."""
    if digit != check_digit(number):
        with pytest.raises(ValueError, match=f"should be {check_digit(number)}"):
            checked(f"{number}{digit}")


@pytest.mark.parametrize("code", ["", "01000", "0100060", "01000x", "０１０００６", "010006\n", "-10006"])
def test_whatever_is_not_six_ascii_digits_is_refused(code: str) -> None:
    """Full-width digits and line ends included."""
    with pytest.raises(ValueError, match="six digits"):
        checked(code)


def test_published_check_digits() -> None:
    """北海道 6, 札幌市 2 (study, section 5)."""
    assert (check_digit("01000"), check_digit("01100")) == (6, 2)


def test_a_number_of_another_length_has_no_check_digit() -> None:
    """Five digits, no more and no fewer."""
    with pytest.raises(ValueError, match="five digits"):
        check_digit("011002")


@pytest.mark.parametrize("agency", EVERYONE[:: len(EVERYONE) // 100] + EVERYONE[-3:], ids=lambda agency: agency.code)
def test_a_head_has_one_office(agency: Municipality | Prefecture) -> None:
    """A prefecture has a governor, everything else a mayor, never both."""
    expected = AgencyClass.GOVERNOR if isinstance(agency, Prefecture) else AgencyClass.MAYOR
    assert classes_of(agency) & {AgencyClass.GOVERNOR, AgencyClass.MAYOR} == {expected}


def test_only_towns_and_villages_need_a_welfare_office_of_their_own_will() -> None:
    """792 cities, 23 wards and 47 prefectures are 都道府県知事等; 743 towns and 183 villages only by running one."""
    without = [agency for agency in EVERYONE if GOVERNOR_ETC not in classes_of(agency)]
    assert len(EVERYONE) - len(without) == 792 + 23 + 47
    assert {agency.name[-1] for agency in without} == {"町", "村"}
    assert all(GOVERNOR_ETC in classes_of(agency, runs_welfare_office=True) for agency in EVERYONE)


def test_the_two_mayors_that_the_table_names() -> None:
    """広島市長 and 長崎市長 are classes of one agency each."""
    assert AgencyClass.HIROSHIMA_MAYOR in classes_of(BY_NAME["広島市"])
    assert AgencyClass.NAGASAKI_MAYOR in classes_of(BY_NAME["長崎市"])
    named = {AgencyClass.HIROSHIMA_MAYOR, AgencyClass.NAGASAKI_MAYOR}
    assert sum(bool(named & classes_of(agency)) for agency in EVERYONE) == 2
