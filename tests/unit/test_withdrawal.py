"""A withdrawal (公開終了) holds no records, and copies always do."""

import pytest

from schemas import canonical
from schemas.catalogue import load_catalogue
from schemas.control import Item
from schemas.replica import Registration
from services.operator.copies import Replica, check
from services.operator.identifiers import uuid7
from services.operator.samples import income_tax_certificate
from services.reference.registering import WITHDRAWN, check_copies

ITEM = Item(name="income_tax_certificate", layout=1)


def withdrawal() -> Registration:
    return Registration(id=uuid7(), agency="221007", kind="withdrawal", item=ITEM, year=2026)


def test_a_withdrawal_holds_no_records() -> None:
    """It names item and year, like the copies whose place it takes."""
    check_copies(withdrawal(), WITHDRAWN, load_catalogue())
    with pytest.raises(canonical.Malformed, match="a withdrawal holds no records"):
        check_copies(withdrawal(), canonical.encode([income_tax_certificate(2026)]), load_catalogue())
    with pytest.raises(ValueError, match="names item and year"):
        Registration(id=uuid7(), agency="221007", kind="withdrawal", item=ITEM)


def test_copies_are_judged_as_the_reference_database_judges_them() -> None:
    """No records under kind `replica`, an item that the catalogue does not have, more records than an answer carries."""
    copies = withdrawal().model_copy(update={"kind": "replica"})
    with pytest.raises(ValueError, match="records"):
        check_copies(copies, WITHDRAWN, load_catalogue())
    with pytest.raises(canonical.Malformed, match="no such item"):
        check(Replica("221007", "A", Item(name="nothing", layout=1), 2026, []))
    with pytest.raises(ValueError, match="records"):
        check(Replica("221007", "A", ITEM, 2026, [income_tax_certificate(2026)] * 101))
