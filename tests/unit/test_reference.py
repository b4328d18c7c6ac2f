"""What the reference database hands to routing, whatever it holds."""

from hypothesis import given
from hypothesis import strategies as st

from schemas import canonical
from schemas.business import LIMIT, MOST_RECORDS, Days, FiscalYear, check_answer
from schemas.catalogue import load_catalogue
from schemas.replica import read_found
from services.operator.samples import income_tax_certificate
from services.reference.service import fiscal_years, found_part

ITEM = load_catalogue().item("income_tax_certificate", 1)


@given(count=st.integers(0, MOST_RECORDS), automatic=st.booleans())
def test_what_fits_is_an_answer(count: int, automatic: bool) -> None:
    """Records, or no data; and whether it may leave by itself is the person's flag."""
    part = found_part([canonical.encode([income_tax_certificate(2026)])] * count, automatic=automatic)
    assert part.automatic == automatic
    assert ITEM is not None
    assert len(check_answer(part.answer, ITEM).records or []) == count
    assert read_found(part.encoded()) == part


def test_more_than_an_answer_can_carry_waits_for_a_person() -> None:
    """Too many records, or too many bytes: nothing is cut off silently, and nothing blocks the topic."""
    many = found_part([canonical.encode([income_tax_certificate(2026)])] * (MOST_RECORDS + 1), automatic=True)
    large = found_part([canonical.encode([{"x": "y" * LIMIT}])], automatic=True)
    assert not many.automatic
    assert not large.automatic
    assert len(large.encoded()) < LIMIT


def test_a_period_is_fiscal_years() -> None:
    """年度: from April to March of the next year."""
    assert fiscal_years(FiscalYear(year=2026)) == (2026, 2026)
    assert fiscal_years(Days.model_validate({"from": "2026-03-31", "to": "2026-04-01"})) == (2025, 2026)
