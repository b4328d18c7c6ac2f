"""How the demo asks: over HTTP unless it says otherwise, and it waits for the end."""

from typing import Final

from schemas.control import Basis, Officer
from schemas.request import Posted
from services.operator import asking
from services.operator.asking import Answer
from services.operator.demo import ALLOWANCE, ASKER, ITEM, OFFICER, YEAR
from services.operator.installation import Installation

SECONDS: Final = 30.0


def inquiry(
    receiver: str,
    number: str,
    basis: Basis = ALLOWANCE,
    *,
    sender: str = ASKER,
    officer: Officer = OFFICER,
    exchange: str = "",
    expires: str | None = None,
) -> Posted:
    """About somebody whom the sender knows by this number."""
    return asking.inquiry(sender, receiver, number, basis, ITEM, officer, YEAR, exchange, expires)


async def ask(installation: Installation, posted: Posted, seconds: float = SECONDS) -> Answer:
    """Posts over HTTP and waits for the end."""
    (await asking.post_http(installation, posted)).raise_for_status()
    return await end(installation, posted, seconds)


async def end(installation: Installation, posted: Posted, seconds: float = SECONDS) -> Answer:
    """What its asker has in the end."""
    return await asking.wait(installation, posted.question.sender, posted.question.id, seconds)
