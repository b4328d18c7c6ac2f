"""An answer must fit the inquiry that the hub permitted."""

from dataclasses import replace
from typing import Literal

import pytest

from schemas.control import Control, replying
from schemas.refusal import Refusal, RefusalCode
from schemas.text import to_text
from services.hub.checking import Provision, about, answers
from services.operator.demo import ALLOWANCE, ASKER, ITEM, NEIGHBOUR, OFFICER
from services.operator.identifiers import uuid7

M, D = bytes([1]) * 32, bytes([2]) * 32
CREATED, EXPIRES, LATER = "2026-11-24T09:00:00.000Z", "2026-12-01T09:00:00.000Z", "2026-12-01T09:00:00.001Z"


def _asked() -> tuple[Control, Provision]:
    number = uuid7()
    control = Control(
        id=number, exchange=number, position=0, kind="inquiry", sender=ASKER, receiver=NEIGHBOUR, basis=ALLOWANCE,
        item=ITEM, officer=OFFICER, created=CREATED, expires=EXPIRES,
    )  # fmt: skip
    return control, Provision(ASKER, NEIGHBOUR, number, M, D, *about(control), 7, EXPIRES)


def _reply(control: Control, kind: Literal["response", "refusal"]) -> Control:
    return replying(
        control, kind, id=uuid7(), message=to_text(M), decision=to_text(D), created=CREATED, expires=EXPIRES
    )


@pytest.mark.parametrize(
    ("core", "now", "code"),
    [(7, CREATED, None), (8, CREATED, RefusalCode.UNKNOWN_PERSON), (7, EXPIRES, RefusalCode.EXPIRED)],
)
def test_a_response_fits_in_person_and_time(core: int, now: str, code: RefusalCode | None) -> None:
    """About the same person, before the inquiry has expired."""
    control, provision = _asked()
    if code is None:
        return answers(_reply(control, "response"), core, provision, now)
    with pytest.raises(Refusal) as refused:
        answers(_reply(control, "response"), core, provision, now)
    assert refused.value.code is code
    return None


def test_a_refusal_may_say_that_the_inquiry_has_expired() -> None:
    """So it is carried after that, too; the asker would never hear otherwise."""
    control, provision = _asked()
    answers(_reply(control, "refusal"), None, provision, LATER)


def test_an_answer_to_nothing_is_refused() -> None:
    """No permitted inquiry, or parties that are not its own."""
    control, provision = _asked()
    other = replace(provision, sender=NEIGHBOUR, receiver=ASKER)
    for asked in (None, other):
        with pytest.raises(Refusal) as refused:
            answers(_reply(control, "response"), 7, asked, CREATED)
        assert refused.value.code is RefusalCode.NOT_IN_LAW_TABLE
