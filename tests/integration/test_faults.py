"""A few rows of the fault matrix, each struck once: `make faults` plays the whole (tests/faults)."""

from dataclasses import replace

import pytest

from services.operator.local import process
from tests import site as sites
from tests.faults import processes, servers
from tests.faults.ground import OF_THE_SITE, Ground, Manned
from tests.faults.matrix import Row, play, twins
from tests.site import Site

ROWS = [
    Row("killed_at", processes.killed_at(["stored", "published"], 8), "service"),
    Row("killed", processes.killed(5), "service"),
    Row("zombies", processes.zombies(2), "service", around=twins("exchange", "crypto")),
    Row("connections_cut", servers.connections_cut(), "service"),
    Row("switched", processes.switched(), "service"),
]


@pytest.fixture(scope="module")
def ground(site: Site) -> Ground:
    """The installation of these tests, its processes hanging by strings from now on."""
    manned = Manned(site.folder, site.bootstrap, site.dsn, told=site.told)
    for name in sites.running(site):
        process.stop(name, site.folder)
    return Ground(manned, OF_THE_SITE)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.key) for row in ROWS])
async def test_the_books_balance(ground: Ground, row: Row) -> None:
    """None lost, none twice in effect, every pair in order, nothing in clear, whatever has struck."""
    outcome = await play(ground, row, 1)
    assert outcome.good(), replace(outcome, first=[], empty=[])
    assert outcome.posted > outcome.struck
