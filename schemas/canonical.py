"""JSON with one spelling only (message.md section 1): the bytes that were signed are the bytes that travel.

UTF-8, sorted ASCII keys, no white space, no duplicate keys, no null, no floats, integers below 2^53,
strings in NFC but for CJK compatibility ideographs, with minimal escapes. A reader serialises what it parsed; if the
bytes differ, it is `Malformed`.
"""

import json
import re
import unicodedata
from collections.abc import Collection, Iterator
from itertools import takewhile
from typing import Any, Final

LARGEST_INTEGER: Final = 2**53 - 1
"""RFC 8259 section 6: beyond this, readers that use IEEE doubles disagree."""

BOM: Final = b"\xef\xbb\xbf"
"""The byte order mark that some editors and libraries put in front of UTF-8; it is read over."""

DEEPEST: Final = 32
"""Levels of nesting; nothing that Renkei says is deeper than eight."""


class Malformed(ValueError):
    """The bytes are not canonical JSON. The text never repeats what was read; `path` does, and is for `placed` alone."""

    def __init__(self, text: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(text)
        self.path = path


def placed(error: Malformed, known: Collection[str], within: str = "") -> str:
    """The error behind the path of its field, as far as that has only names of `known` and positions of lists."""
    path = [str(part) for part in takewhile(lambda part: isinstance(part, int) or part in known, error.path)]
    place = ".".join([*([within] if within else []), *path])
    return f"{place}: {error}" if place else str(error)


def encode(value: Any) -> bytes:
    """The one spelling of `value`; raises `Malformed` where it has none (null, floats, large integers, another normal form)."""
    _require(value)
    return spelled(value)


def spelled(value: Any) -> bytes:
    """The same for what `read` has returned, and is checked already."""
    return _ENCODER.encode(value).encode()


_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def decode(data: bytes) -> Any:
    """The value spelled by `data`; raises `Malformed` unless `data` is exactly its canonical spelling."""
    value = read(data)
    if spelled(value) != data:
        raise Malformed("valid JSON, but not in its canonical spelling")
    return value


def read(data: bytes) -> Any:
    """Any valid JSON, its strings in normal form (the edges take it; `exchange` makes it canonical).

    Duplicate keys, floats, null, and what has no canonical spelling at all are refused.
    """
    too_deep = Malformed("nested too deeply")
    if _nesting(data) > DEEPEST:
        raise too_deep
    try:
        value = _DECODER.decode(data.removeprefix(BOM).decode())
    except Malformed:
        raise
    except UnicodeDecodeError as error:
        raise Malformed(f"expected UTF-8; byte {error.start + 1} is none") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"expected JSON; line {error.lineno}, column {error.colno} is none") from None
    except ValueError:
        raise Malformed("an integer is 2^53 or more") from None
    except RecursionError:
        raise too_deep from None
    if not data.isascii() or b"\\u" in data:
        value = normalised(value)
    _require(value)
    return value


KEPT: Final = re.compile("([\uf900-\ufaff\U0002f800-\U0002fa1f])")
"""The CJK compatibility ideographs: variants in people's names, which NFC would replace by another character."""


def normal(text: str) -> str:
    """NFC, but for the CJK compatibility ideographs: each stays, and each run between two of them is put into NFC."""
    return "".join(part if KEPT.match(part) else unicodedata.normalize("NFC", part) for part in KEPT.split(text))


def is_normal(text: str) -> bool:
    """Whether `normal` leaves it as it is. Another ideograph, which composes with nothing, ends a run as well."""
    return unicodedata.is_normalized("NFC", text) or unicodedata.is_normalized("NFC", KEPT.sub("\u4e00", text))


def normalised(value: Any) -> Any:
    """The same value with strings in normal form, for what producers post in another."""
    match value:
        case str():
            return normal(value)
        case dict():
            return {key: normalised(entry) for key, entry in value.items()}
        case list():
            return [normalised(entry) for entry in value]
    return value


_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""Possessive, and with an end that may be missing: linear in whatever is sent."""


def _nesting(data: bytes) -> int:
    """Depth by brackets outside strings, counted before the parser recurses; where there are few at all, their number."""
    if (most := data.count(b"[") + data.count(b"{")) <= DEEPEST:
        return most
    deepest = depth = 0
    for byte in _STRING.sub(b"", data):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise Malformed("an object repeats a key", (_repeated(pairs),))
    return entries


def _repeated(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    return next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object)
"""Python itself refuses to read an integer of more than 4,300 digits, which would take long."""


def _require(value: Any) -> None:
    """Raises `Malformed` with the path of the first fault."""
    try:
        _check(value, DEEPEST)
    except Malformed as error:
        raise Malformed(str(error), tuple(_path(value, DEEPEST))) from None


def _path(value: Any, depth: int) -> Iterator[str | int]:
    """The way to the first entry in which `_check` finds a fault: looked for only once there is one."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, entry in entries if depth else ():
        try:
            _check(entry, depth - 1)
        except Malformed:
            yield key
            yield from _path(entry, depth - 1)
            return


def _check(value: Any, depth: int) -> None:
    """Leaves are most of what there is, and are judged where they hang."""
    match value:
        case dict() | list() | tuple() if depth == 0:
            raise Malformed("nested too deeply")
        case dict():
            for key, entry in value.items():
                if not (isinstance(key, str) and key.isascii()):
                    raise Malformed("a key is not ASCII")
                _check_leaf(entry) if type(entry) in _LEAVES else _check(entry, depth - 1)
        case list() | tuple():
            for entry in value:
                _check_leaf(entry) if type(entry) in _LEAVES else _check(entry, depth - 1)
        case bool() | str() | int():
            _check_leaf(value)
        case None:
            raise Malformed("expected a value; a field without one is left out")
        case float():
            raise Malformed("expected a whole number, without point and exponent")
        case _:
            raise Malformed("expected JSON")


_LEAVES: Final = frozenset({bool, str, int})


def _check_leaf(value: bool | str | int) -> None:
    if isinstance(value, str):
        if not value.isascii():
            _check_text(value)
    elif not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
        raise Malformed("an integer is 2^53 or more")


_SURROGATE = re.compile("[\ud800-\udfff]")


def _check_text(value: str) -> None:
    if value.isascii():
        return
    if _SURROGATE.search(value):
        raise Malformed("a string holds a lone surrogate")
    if not is_normal(value):
        raise Malformed("a string is not in normal form C (CJK compatibility ideographs stay)")
