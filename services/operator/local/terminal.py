"""Text for a terminal of any encoding."""

from io import TextIOWrapper
from typing import TextIO


def show_any_character(*streams: TextIO) -> None:
    """A terminal of another encoding than UTF-8 shows `?` for each character that it does not have."""
    for stream in streams:
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
