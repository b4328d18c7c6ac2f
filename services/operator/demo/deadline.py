"""Nobody waits for ever."""

from datetime import timedelta
from typing import Final

from schemas.text import instant, later
from services.operator.demo import ELSEWHERE, FLAGGED
from services.operator.demo.inquiring import ask, inquiry
from services.operator.installation import Installation
from services.operator.tables import now

GRACE: Final = 0.5
"""Seconds that the demo's askers wait beyond `expires`, instead of an hour."""
SOON: Final = timedelta(seconds=4)
"""Enough for a busy machine to accept the question; what comes later is `expired`."""


async def passes(installation: Installation) -> str:
    """A person waits for a decision (自動応答不可) that nobody takes in time."""
    return (await ask(installation, inquiry(ELSEWHERE, FLAGGED, expires=later(instant(now()), SOON)))).outcome
