"""bench."""


def bench() -> None:
    """Measure."""
