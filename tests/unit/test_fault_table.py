"""What the README says of the fault matrix is what its runs have written."""

from tests.faults.matrix import GROUPS
from tests.faults.table import COLUMNS, README, table

KEYS = [row.key for group in GROUPS for row in group.rows]


def row(key: str, times: int) -> dict[str, object]:
    return {**dict.fromkeys(COLUMNS, 0), "fault": f"the fault {key}", "times": times, "all": {"row": key}}


def test_the_run_that_struck_most_often_counts() -> None:
    """In the order of the matrix, whatever the order of the runs."""
    lines = table([row(KEYS[1], 2), row(KEYS[0], 20), row(KEYS[0], 4)]).splitlines()
    assert [line.split(" | ")[:2] for line in lines[2:]] == [
        [f"| the fault {KEYS[0]}", "20"],
        [f"| the fault {KEYS[1]}", "2"],
    ]


def test_the_readme_has_every_row() -> None:
    """As the matrix has it now, so that a new row does not go unplayed."""
    lines = [line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    faults = {group_row.fault.name for group in GROUPS for group_row in group.rows}
    assert {name for name in faults if not any(line.startswith(f"| {name} |") for line in lines)} == set()
