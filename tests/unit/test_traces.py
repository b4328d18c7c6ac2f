"""A search that finds nothing proves something only if it would have found it."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.traces import files_with, found_in, spellings

MARKER = b"ZQXJKVWP7HNS0001"


@given(before=st.binary(max_size=40), after=st.binary(max_size=40), marker=st.binary(min_size=8, max_size=40))
def test_a_marker_is_found_however_it_is_spelled(before: bytes, after: bytes, marker: bytes) -> None:
    """Raw, hexadecimal, base64 and base64url, wherever it stands in what was encoded."""
    text = before + marker + after
    for data in (text, text.hex().encode(), base64.b64encode(text), base64.urlsafe_b64encode(text)):
        assert found_in(data, [marker]) == [marker]


def test_no_spelling_is_so_short_that_it_is_found_by_chance() -> None:
    """The shortest has as many characters as the marker's own bytes."""
    assert min(map(len, spellings(MARKER))) >= len(MARKER)


@pytest.mark.parametrize("lead", [0, 5, 8 * 1024 * 1024 - 3, 30 * 1024 * 1024])
def test_a_marker_is_found_anywhere_in_a_file(tmp_path: Path, lead: int) -> None:
    """At a seam between two reads, and behind a hole."""
    file = tmp_path / "below" / "data"
    file.parent.mkdir()
    with file.open("wb") as opened:
        opened.truncate(40 * 1024 * 1024)
        opened.seek(lead)
        opened.write(MARKER.hex().encode())
    assert files_with(tmp_path, [MARKER, b"something else"]) == {file: [MARKER]}
