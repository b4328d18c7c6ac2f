"""No check of message.md and no code without a test, and the table that says so is true."""

import pytest

from tests.matrix import CHECKS, CODES, README, shown, written_into


def test_every_check_has_a_test() -> None:
    """And no test names a check that is not on the list."""
    assert {check for one in shown() for check in one.checks} == set(CHECKS)


def test_every_code_has_a_test() -> None:
    """Refusals and security events; and no test names a code that there is not."""
    raised = {code for one in shown() for code in one.codes}
    assert set(CODES) - raised == set()
    assert raised <= set(CODES)


def test_the_table_is_up_to_date() -> None:
    """`python -m tests.matrix` would change nothing."""
    page = README.read_text(encoding="utf-8")
    assert written_into(page) == page


def test_a_page_without_its_markers_is_not_overwritten() -> None:
    """Somebody has moved the table, and must say where it goes."""
    with pytest.raises(ValueError, match="no longer"):
        written_into("# Tests\n")
