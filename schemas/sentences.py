"""What is wrong with a field, as a sentence for a person: the one table over the error types of pydantic.

A sentence says what is expected, with an example where there is one form, and never repeats what was read. `explained` in
`schemas/text.py` puts the path of the field in front of it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

UUID7_PATTERN: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
UUID_PATTERN: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
AGENCY_PATTERN: Final = r"^[0-9A-Z]{6,13}$"
NAME_PATTERN: Final = r"^[a-z][a-z0-9_]{0,63}$"
LABEL_PATTERN: Final = r"^[^\x00-\x1f\x7f]*$"
DIGEST_PATTERN: Final = r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"
ROW_PATTERN: Final = r"^[0-9]{1,3}(-[0-9]{1,2})?$"
STAFF_PATTERN: Final = r"^[A-Za-z0-9_.-]{1,32}$"
DAY_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
TIME_OF_DAY_PATTERN: Final = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"


SYSTEM_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,31}$"


class Expected(ValueError):
    """A form that a value has not, found by a validator of ours: the text is a sentence and repeats nothing."""


FORMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        UUID7_PATTERN: "expected a lower-case UUIDv7, such as 019ab1c2-0000-7000-8000-000000000001",
        UUID_PATTERN: "expected a lower-case UUIDv7 or UUIDv8, such as 019ab1c2-0000-7000-8000-000000000001",
        AGENCY_PATTERN: "expected an agency code of 6 to 13 digits and capital letters, such as 221309",
        NAME_PATTERN: "expected up to 64 lower-case letters, digits and underscores, such as allowance_clerk",
        LABEL_PATTERN: "expected a text without control characters, such as 子育て支援課",
        DIGEST_PATTERN: "expected 32 bytes as 43 characters of base64url without padding",
        ROW_PATTERN: "expected a row of the law table, such as 57 or 16-2",
        STAFF_PATTERN: "expected 1 to 32 letters, digits, points, hyphens and underscores, such as hamamatsu-0107",
        SYSTEM_PATTERN: "expected the name of a posting system: lower-case letters, digits and hyphens, such as tax",
        DAY_PATTERN: "expected a day, such as 2026-11-24",
        TIME_OF_DAY_PATTERN: "expected a time of day, such as 08:30",
    }
)
"""By pattern of a text: what it accepts, with an example."""

SENTENCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing": "this field is missing",
        "extra_forbidden": "a field in here is not known; leave it out",
        "string_type": "expected a string in double quotes",
        "string_unicode": "expected a string in UTF-8",
        "string_too_short": "expected a string of at least {min_length} characters",
        "string_too_long": "expected a string of at most {max_length} characters",
        "int_type": "expected a whole number without quotes, such as 1",
        "int_from_float": "expected a whole number, such as 1",
        "int_parsing": "expected a whole number, such as 1",
        "int_parsing_size": "expected a number below 2^53",
        "float_type": "expected a number of seconds without quotes, such as 1795510800",
        "float_parsing": "expected a number without quotes",
        "finite_number": "expected a finite number",
        "greater_than": "expected a number above {gt}",
        "greater_than_equal": "expected a number from {ge} up",
        "less_than": "expected a number below {lt}",
        "less_than_equal": "expected a number up to {le}",
        "bool_type": "expected true or false",
        "bool_parsing": "expected true or false",
        "literal_error": "expected {expected}",
        "enum": "expected {expected}",
        "none_required": "leave this field out",
        "list_type": "expected a list in square brackets",
        "tuple_type": "expected a list in square brackets",
        "set_type": "expected a list in square brackets",
        "too_short": "expected at least {min_length} entries",
        "too_long": "expected at most {max_length} entries",
        "dict_type": "expected an object in braces",
        "model_type": "expected an object in braces",
        "model_attributes_type": "expected an object in braces",
        "dataclass_type": "expected an object in braces",
        "mapping_type": "expected an object in braces",
        "bytes_type": "expected bytes",
        "path_type": "expected the path of a file",
        "json_invalid": "expected JSON in UTF-8",
        "json_type": "expected JSON in UTF-8",
        "union_tag_invalid": "expected one of {expected_tags}",
        "union_tag_not_found": "the field that names the kind of this object is missing",
        "recursion_loop": "expected fewer levels of nesting",
    }
)
"""By error type; what stands in braces is of the model, never of the input."""
OTHERWISE: Final = "expected another form; see the JSON Schema of this field"


def sentence(entry: Mapping[str, Any]) -> str:
    """The sentence for one entry of `ValidationError.errors()`."""
    known, context = entry["type"], entry.get("ctx", {})
    if known == "value_error":
        error = context.get("error")
        return str(error) if isinstance(error, Expected) else OTHERWISE
    if known == "string_pattern_mismatch":
        return FORMS.get(context.get("pattern", ""), OTHERWISE)
    try:
        return SENTENCES.get(known, OTHERWISE).format(**context)
    except (KeyError, IndexError):
        return OTHERWISE
