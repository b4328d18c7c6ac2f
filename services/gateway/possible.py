"""What no exchange can ever answer is refused before its id is used: item, edition of the law, keys of the inquiry."""

from typing import Final

from schemas.catalogue import load_catalogue
from schemas.law import EDITION
from schemas.refusal import Refusal
from schemas.request import Posted, check_keys
from services.gateway import problem
from services.runtime.problem import Declined

SHOWN: Final = 10
"""Items that an answer names at most."""


def check_possible(posted: Posted) -> None:
    """Declines a request that can never succeed; what may change from day to day is judged by `exchange`."""
    question, items = posted.question, load_catalogue().items
    if (question.item.name, question.item.layout) not in items:
        known = ", ".join(f"{name} with layout {layout}" for name, layout in sorted(items)[:SHOWN])
        raise Declined(problem.detailed(problem.UNKNOWN_ITEM, f"control.item: expected an item such as {known}"))
    if question.basis.source == "table2" and question.basis.edition != EDITION:
        known = f"control.basis.edition: expected the edition that is in force here, {EDITION}"
        raise Declined(problem.detailed(problem.UNKNOWN_EDITION, known))
    try:
        check_keys(posted)
    except Refusal as refusal:
        raise Declined(problem.malformed(refusal.rule)) from None
