"""Rounding, shares, rates and the example set of use cases."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.agencies import load_municipalities
from services.traffic import study
from services.traffic.lines import Lines
from services.traffic.model import STUDY, half_up, installation, line_use, printed_kbps, rate, split
from services.traffic.use_cases import (
    load_linkages,
    scale,
    scaled_bytes,
    scaled_traffic,
    traffic_by_information,
)

COUNTRY = installation(load_municipalities())

populations = st.integers(0, study.POPULATION)
totals = st.integers(0, 10**12)
kilobytes = st.integers(0, 10**12)
seconds = st.integers(1, 10**8)


@given(st.integers(0, 10**15), st.integers(0, 6), st.integers(0, 6))
def test_half_up_is_the_decimal_modules(units: int, places: int, kept: int) -> None:
    """A half goes up, never to the even digit."""
    value = Decimal(units).scaleb(-places)
    assert half_up(Fraction(value), kept) == value.quantize(Decimal(1).scaleb(-kept), ROUND_HALF_UP)


@given(totals, populations, populations)
def test_more_people_never_have_less_traffic(total: int, some: int, others: int) -> None:
    """KB, printed rate and line use are all monotone in population."""
    fewer, more = sorted((some, others))
    small, large = STUDY.kilobytes(total, fewer), STUDY.kilobytes(total, more)
    assert small <= large
    for period in study.PERIODS:
        rates = printed_kbps(small, period.seconds), printed_kbps(large, period.seconds)
        assert rates[0] <= rates[1]
        assert line_use(rates[0], 128) <= line_use(rates[1], 128)


@pytest.mark.parametrize("period", study.PERIODS, ids=lambda period: period.name)
def test_all_municipalities_together_carry_the_total(period: study.Period) -> None:
    """Exactly; in whole KB they are off by half a KB each at most."""
    people = [each.population for each in load_municipalities()]
    assert sum(COUNTRY.exact(period.total, each) for each in people) == period.total
    assert abs(sum(COUNTRY.kilobytes(period.total, each) for each in people) - period.total) <= len(people) / 2


def test_the_two_populations_are_kept_apart() -> None:
    """The study divides by the census of 2010, an installation by the list of municipalities."""
    assert (STUDY.people, COUNTRY.people) == (128_057_352, 125_927_902)


@given(totals, populations, populations)
def test_the_parts_of_a_municipality_add_up(total: int, some: int, others: int) -> None:
    """Two municipalities that merge have the sum of their traffic."""
    if some + others <= study.POPULATION:
        assert STUDY.exact(total, some) + STUDY.exact(total, others) == STUDY.exact(total, some + others)


@given(kilobytes, seconds)
def test_half_the_window_is_twice_the_rate(load: int, window: int) -> None:
    """Exactly, before printing."""
    assert rate(load, window) == 2 * rate(load, 2 * window)


@given(kilobytes, seconds)
def test_a_printed_rate_doubles_but_for_its_rounding(load: int, window: int) -> None:
    """Each printed rate is 0.009 kbit/s off at most: 8 × 0.0005 of KB/s, and 0.005."""
    assert abs(printed_kbps(load, window) - rate_in_decimal(load, window)) <= Decimal("0.009")
    assert abs(printed_kbps(load, window) - 2 * printed_kbps(load, 2 * window)) <= Decimal("0.027")


def rate_in_decimal(load: int, window: int) -> Decimal:
    """To six decimals."""
    return half_up(rate(load, window), 6)


@given(totals, st.lists(st.integers(0, 10**9), min_size=1, max_size=50).filter(any))
def test_parts_add_up_and_are_fair(total: int, weights: list[int]) -> None:
    """No part is a whole unit off its share, and a larger weight never has the smaller part."""
    parts = split(total, weights)
    assert sum(parts) == total
    assert all(abs(part - Fraction(total * w, sum(weights))) < 1 for part, w in zip(parts, weights, strict=True))
    by_weight = sorted(zip(weights, parts, strict=True))
    assert all(a[1] <= b[1] for a, b in pairwise(by_weight) if a[0] < b[0])


@pytest.mark.parametrize(("total", "weights"), [(1, [0, 0]), (1, []), (-1, [1]), (1, [2, -1])])
def test_nothing_to_be_in_proportion_to(total: int, weights: list[int]) -> None:
    """No weights, or negative ones, are an error and not a division by zero."""
    with pytest.raises(ValueError, match="not all 0"):
        split(total, weights)


@pytest.mark.parametrize("population", [-1, study.POPULATION + 1])
def test_impossible_populations(population: int) -> None:
    """Fewer than none, more than everybody: the message says what is possible."""
    with pytest.raises(ValueError, match=r"from 0 to 128,057,352, got"):
        STUDY.kilobytes(1, population)


@pytest.mark.parametrize("window", [0, -1])
def test_impossible_windows(window: int) -> None:
    """Nothing is sent in no time."""
    with pytest.raises(ValueError, match="more than 0 seconds"):
        rate(1, window)


def test_impossible_lines() -> None:
    """A use of no line is no figure."""
    with pytest.raises(ValueError, match="more than 0 kbit/s"):
        line_use(Decimal(1), 0)


def test_a_known_line_goes_before_the_rule() -> None:
    """By code; everybody else has the line of their population."""
    lines = Lines(known={"011002": 100_000})
    assert (lines.of(1_960_668, "011002"), lines.of(1_960_668), lines.of(100_000), lines.of(100_001)) == (
        100_000,
        10_000,
        128,
        10_000,
    )


def test_the_example_set_has_the_studys_number_of_use_cases() -> None:
    """34, among them information about six, three and one persons, all five ranks, both corrections."""
    linkages = load_linkages()
    assert {each.number for each in linkages} == set(range(1, 35))
    assert {each.rank for each in linkages} == set("ABCDE")
    assert {each.parties for each in linkages} == {"municipalities", "other"}


@pytest.mark.parametrize(
    ("number", "information", "traffic"),
    [
        (10, "所得課税証明書情報", 40 * 3 * 10_000_000 * 2),
        (26, "固定資産情報", 56 * 6 * 100_000 * 2),
        (5, "住民票関係情報", 24 * 1 * 1_000_000 * 1),
    ],
)
def test_size_times_persons_times_exchanges_times_correction(number: int, information: str, traffic: int) -> None:
    """値①×値②×値③×値④, 4-4."""
    found = [each for each in load_linkages() if (each.number, each.information) == (number, information)]
    assert [each.traffic for each in found] == [traffic]


@given(st.integers(1, 10**12))
def test_the_example_set_adds_up_to_any_total(total: int) -> None:
    """Scaled, it loses and gains nothing."""
    assert sum(scaled_traffic(load_linkages(), total)) == total


def test_the_example_set_adds_up_to_the_studys_total() -> None:
    """Also by item of information; and it was made so that scaling changes it little."""
    assert traffic_by_information(load_linkages()).total() == study.ANNUAL
    assert Fraction(9, 10) < scale(load_linkages()) < Fraction(11, 10)


def test_scaled_sizes_give_the_traffic_back() -> None:
    """Size × messages × correction, but for the rounding of each size to whole bytes."""
    linkages = load_linkages()
    for linkage, size, traffic in zip(linkages, scaled_bytes(linkages), scaled_traffic(linkages), strict=True):
        lines = linkage.traffic // linkage.kilobytes
        assert abs(size * lines - traffic * 1000) <= lines / 2 + 1000
