"""A hub that no longer hears its own beat permits nothing: it would not hear of a revocation either."""

from datetime import timedelta
from typing import Any, Final

import pytest

from services.hub.judging import Judge
from services.hub.permitting import Permitter
from services.hub.service import Hub, permit
from services.runtime.directory import SILENCE
from services.runtime.errors import Unavailable
from services.runtime.wrapping import ContentKeys
from tests.hostile.parties import CODES, Parties

NOTHING: Final[Any] = None
"""Its tables and its publisher, which it does not come to."""


async def test_a_silent_directory_closes_the_hub() -> None:
    """Before anything is judged."""
    parties = Parties()
    keys, directory = parties.rings(), parties.directory()
    assert directory.beat is not None
    directory.beat = directory.complete = directory.beat - SILENCE - timedelta(seconds=1)
    permitter = Permitter(keys, directory, CODES, ContentKeys(parties.clock), parties.clock)
    hub = Hub(Judge(parties.hub().checker, permitter), permitter, NOTHING, NOTHING)
    message = parties.one("inquiry").submitted
    with pytest.raises(Unavailable, match="no beat of the hub"):
        await permit([message], hub)
