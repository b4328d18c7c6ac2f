"""What is written into a properties file is what Java reads."""

import re

from hypothesis import given
from hypothesis import strategies as st

from services.operator.local.properties import escaped, properties_text

ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)


def as_java_reads(text: str) -> dict[str, str]:
    """`java.util.Properties.load`, for lines of `name=value`: ISO-8859-1, escapes, and no space before a value."""
    found = {}
    for line in text.encode("ascii").decode("latin-1").splitlines():
        name, _, value = line.partition("=")
        value = value.lstrip(" \t\f")
        units = [ord(unit) for unit in ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else m[2], value)]
        found[name] = b"".join(unit.to_bytes(2, "big") for unit in units).decode("utf-16-be", "surrogatepass")
    return found


@given(st.text())
def test_any_text_is_read_back(value: str) -> None:
    """In one line, in ASCII."""
    assert as_java_reads(properties_text({"log.dirs": value, "other": "x"})) == {"log.dirs": value, "other": "x"}


def test_a_japanese_folder_is_escaped() -> None:
    """Java reads the file as ISO-8859-1."""
    assert escaped("/連携/a b\\\U00020bb7") == r"/\u9023\u643a/a b\\\ud842\udfb7"
