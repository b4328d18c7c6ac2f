"""Java's properties files: read as ISO-8859-1, with escapes for everything else (java.util.Properties, `load`)."""

from collections.abc import Mapping

PRINTABLE = range(0x20, 0x7F)


def properties_text(properties: Mapping[str, str]) -> str:
    """A line for each property; ASCII alone. Names are ours, and hold nothing to escape."""
    return "".join(f"{name}={escaped(value)}\n" for name, value in properties.items())


def escaped(value: str) -> str:
    """The value as Java reads it back, whatever is in it: UTF-16 units outside of ASCII as \\uXXXX, first space kept."""
    units = "".join(_unit(unit) for unit in _utf16(value))
    return f"\\{units}" if units.startswith(" ") else units


def _utf16(value: str) -> list[int]:
    data = value.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(data[place : place + 2], "big") for place in range(0, len(data), 2)]


def _unit(unit: int) -> str:
    if unit == ord("\\"):
        return "\\\\"
    return chr(unit) if unit in PRINTABLE else f"\\u{unit:04x}"
