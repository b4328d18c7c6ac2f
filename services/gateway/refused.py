"""Assertions that do not hold: counted by reason, and told in the log, at most one line of each reason in ten seconds."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import structlog

from schemas.assertion import BadAssertion, Reason
from services.runtime.clock import Clock
from services.runtime.metrics import Metrics

QUIET: Final = 10.0
"""Seconds between two lines of one reason: whoever sends anything to the gateway must not fill its log."""


@dataclass
class Refused:
    """What was refused since the last line of its reason."""

    metrics: Metrics
    clock: Clock
    _said: dict[Reason, float] = field(default_factory=dict)
    _since: Counter[Reason] = field(default_factory=Counter)

    def add(self, error: BadAssertion) -> None:
        """Counts it; the line holds how many came since the last one."""
        reason, now = error.reason, self.clock().timestamp()
        self.metrics.assertions.labels("gateway", str(reason)).inc()
        self._since[reason] += 1
        if now - self._said.get(reason, now - QUIET) >= QUIET:
            line = structlog.get_logger()
            line.warning("assertion refused", service="gateway", reason=str(reason), count=self._since.pop(reason))
            self._said[reason] = now
