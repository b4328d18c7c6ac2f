"""Where bytes leave a trace: raw, in hexadecimal or in base64 at any alignment, in files and in texts."""

import base64
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

CHUNK = 8 * 1024 * 1024


def spellings(marker: bytes) -> list[bytes]:
    """The marker as it may stand somewhere."""
    hexadecimal = marker.hex().encode()
    found = {marker, hexadecimal, hexadecimal.upper()}
    for lead in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            found.add(_inner(encode(bytes(lead) + marker), lead, len(marker)))
    return sorted(found)


def found_in(data: bytes, markers: Sequence[bytes]) -> list[bytes]:
    """The markers of which some spelling stands in the data."""
    return [marker for marker in markers if any(spelling in data for spelling in spellings(marker))]


def files_with(folder: Path, markers: Sequence[bytes]) -> dict[Path, list[bytes]]:
    """The files below a folder in which a marker stands, however it is spelled."""
    patterns = {marker: spellings(marker) for marker in markers}
    longest = max(len(spelling) for some in patterns.values() for spelling in some)
    hits: dict[Path, list[bytes]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            seen = {
                marker
                for part in _parts(path, longest)
                for marker, some in patterns.items()
                if any(spelling in part for spelling in some)
            }
            if seen:
                hits[path] = sorted(seen)
    return hits


def _inner(encoded: bytes, lead: int, length: int) -> bytes:
    """The characters of a base64 text that the marker alone decides, whatever stands around it."""
    first = -(-lead * 8 // 6)
    last = (lead + length) * 8 // 6
    return encoded[first:last]


def _parts(path: Path, overlap: int) -> Iterator[bytes]:
    """The file's bytes, without its holes: Kafka's index files are ten megabytes of nothing."""
    with path.open("rb") as file:
        for start, end in _extents(file.fileno(), path.stat().st_size):
            for place in range(start, end, CHUNK):
                file.seek(place)
                yield file.read(min(CHUNK + overlap, end - place))


def _extents(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    place = 0
    while place < size:
        try:
            start = os.lseek(descriptor, place, os.SEEK_DATA)
        except OSError:  # ENXIO: nothing but a hole is left
            return
        place = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, place
