"""Time is handed in: a clock is a function that says what time it is."""

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
"""An aware datetime."""
