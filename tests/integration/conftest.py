"""One installation for all integration tests: nine services need their time to start."""

from collections.abc import Iterator

import pytest

from tests import site as sites
from tests.site import Site


@pytest.fixture(scope="package")
def site(kafka: str, postgres: str) -> Iterator[Site]:
    """Three municipalities with their residents; in one process per block, until a test switches."""
    with sites.opened(kafka, postgres) as opened:
        yield opened
