"""A bench posts as a business system does: its assertions hold at the moment of posting, and no longer than an hour."""

import time

import jwt
import pytest

from schemas.assertion import LONGEST
from services.operator.bench import population
from services.operator.bench.population import Request
from services.runtime.keys import PrivateKey
from tests.gateway import SYSTEMS, inquiry


def test_an_inquiry_is_signed_as_it_is_posted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not when it is prepared: a run may last for hours."""
    posted = inquiry()
    key = SYSTEMS[posted.question.sender].private
    assert isinstance(key, PrivateKey)
    request = Request(posted, key)
    for moment in (1_800_000_000.0, 1_800_100_000.0):
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        claims = jwt.decode(request.signed().headers["assertion"].decode(), options={"verify_signature": False})
        assert moment < claims["exp"] <= moment + LONGEST
    assert population.ASSERTED_SECONDS <= LONGEST
