"""What no record holds: values, keys, bytes, instants, and other spellings of the same JSON."""

from collections.abc import Callable, Sequence
from typing import Any, Final

STRANGE: Final[Sequence[Any]] = (
    *(None, True, False, 0, -1, 1, 2, 65_536, 65_537, 2**31, 2**53 - 1, 2**53, -(2**63), 2**64, 10**400),
    *(0.0, -0.0, 1.5, 1e308, float("nan"), float("inf")),
    *(
        "",
        " ",
        "\0",
        "0",
        "A" * 43,
        "-" * 43,
        "A" * 42 + "B",
        "=" * 43,
        "a" * 5_000,
        "\ud800",
        "サ\u3099",
        "ザ",
        "\u212b",
        "𠮷",
    ),
    *("2026-11-24T24:00:00.000Z", "0000-00-00T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "2026-11-24T09:00:00Z"),
    *("019AB1C2-0000-7000-8000-000000000001", "019ab1c2-0000-4000-8000-000000000001", "inquiry", "receipt", "auto"),
    *([], [[]], {}, {"": ""}, [None], ["A" * 43] * 17, ["A" * 43] * 16, {"v": 1}),
)
"""What no field of a message holds, or only one of them, or another spelling of what it holds."""
KEYS: Final = ("", "\0", "\ufffd", "000000", "ZZZZZZ", "221309,401307", "機関", "K" * 1_000, "221309 ")
BYTES: Final = (
    b"",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"{}",
    b"[]",
    b"null",
    b"[" * 5_000,
    b'{"a":' * 2_000,
    b"\xed\xa0\x80",
)

INSTANTS: Final = (
    *("0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "2026-11-01T00:00:00.000Z", "2026-12-01T00:00:00.000Z"),
    *("2026-11-24T09:00:04.000Z", "2026-11-24T09:05:04.001Z", "2026-11-24T08:00:00.000Z", "2026-12-25T09:00:00.001Z"),
    *(
        "2026-11-24T23:59:60.000Z",
        "2026-02-29T00:00:00.000Z",
        "2026-11-24T09:00:04.000+00:00",
        "0000-01-01T00:00:00.000Z",
    ),
)

SPELLINGS: Final[Sequence[Callable[[bytes], bytes]]] = (
    lambda data: data.replace(b",", b", ", 1),
    lambda data: data + b"\n",
    lambda data: b"\xef\xbb\xbf" + data,
    lambda data: data.replace(b'"', b'"\\u0000', 1),
    lambda data: data.replace(b'"', b'"\\ud800', 3),
    lambda data: data.replace(b"a", b"\\u0061", 1),
    lambda data: data.replace("ザ".encode(), "サ\u3099".encode()),
    lambda data: data.replace(b":1", b":1.0", 1),
    lambda data: data.replace(b":1", b":1e0", 1),
    lambda data: data.replace(b":1", b":01", 1),
    lambda data: data.replace(b":1", b":" + b"1" * 5_000, 1),
    lambda data: data.replace(b":0", b":-0", 1),
    lambda data: data[:1] + data[1:].replace(b'"', b"'"),
    lambda data: data[:-1] + b"," + data[1:],
    lambda data: data[:-1] + b",}",
    lambda data: b'{"v":1,' + data[1:],
    lambda data: b"[" + data + b"]",
    lambda data: b"[" * 200 + data + b"]" * 200,
    lambda data: data.decode("utf-8", "replace").encode("utf-16"),
    lambda data: data.decode("utf-8", "replace").encode("shift-jis", "replace"),
)
