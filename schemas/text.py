"""The field types that every record shares: codes, identifiers, instants and binary in JSON."""

import re
from binascii import a2b_base64, b2a_base64
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import PydanticSerializationError

from schemas import canonical
from schemas.sentences import (
    AGENCY_PATTERN,
    DIGEST_PATTERN,
    LABEL_PATTERN,
    NAME_PATTERN,
    UUID7_PATTERN,
    UUID_PATTERN,
    Expected,
    sentence,
)


@lru_cache(1024)
def instant(moment: datetime) -> str:
    """`2026-11-24T09:00:00.000Z`: UTC, milliseconds. Two instants compare as their texts do."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


@lru_cache(8192)
def moment(text: str) -> datetime:
    """The inverse of `instant`; raises ValueError for any other spelling and for days that do not exist."""
    if not _INSTANT.fullmatch(text):
        raise Expected("expected a time, such as 2026-11-24T09:00:00.000Z")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Expected("expected a time that exists, such as 2026-11-24T09:00:00.000Z") from None


@lru_cache(8192)
def later(text: str, by: timedelta) -> str:
    """The instant `by` after `text`; where the calendar ends before that, its last one."""
    try:
        return instant(moment(text) + by)
    except OverflowError:
        return LAST


LAST: Final = "9999-12-31T23:59:59.999Z"
"""So that comparing with a time near it gives an answer instead of an error of arithmetic."""


def to_text(data: bytes) -> str:
    """Binary in JSON: base64url without padding (RFC 4648 section 5)."""
    return b2a_base64(data, newline=False).translate(_URL_SAFE, b"=").decode()


def to_bytes(text: str) -> bytes:
    """The inverse of `to_text`; raises ValueError for any other spelling of the same bytes."""
    try:
        data = a2b_base64(text.encode("ascii").translate(_STANDARD) + b"==")
    except ValueError:
        data = b""
    if to_text(data) != text:
        raise Expected("expected base64url without padding or stray bits")
    return data


def _instant(text: str) -> str:
    moment(text)
    return text


def posted_instant(text: str) -> str:
    """The instant of a time with any offset (RFC 3339), with or without a fraction of a second, cut to milliseconds."""
    found = _POSTED.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        fraction = (found["fraction"] or "")[:3].ljust(3, "0")
        return instant(datetime.fromisoformat(f"{found['second']}.{fraction}{found['offset']}"))
    except (ValueError, OverflowError):
        raise Expected(
            "expected a time with its offset, such as 2026-11-24T09:00:00.000Z or 2026-11-24T18:00:00+09:00"
        ) from None


def _binary(text: str) -> str:
    to_bytes(text)
    return text


_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
"""Hours to 23: some Pythons read 24:00 as midnight of the next day, a second spelling."""
_POSTED = re.compile(
    r"(?P<second>[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2})(?:\.(?P<fraction>[0-9]{1,9}))?"
    r"(?P<offset>Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_URL_SAFE, _STANDARD = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")

AgencyCode = Annotated[str, StringConstraints(pattern=AGENCY_PATTERN)]
"""機関コード: the six digits of 全国地方公共団体コード, or another agency's code of up to 13 places."""

MessageId = Annotated[str, StringConstraints(pattern=UUID_PATTERN)]
"""UUIDv7 from the first producer, UUIDv8 for what follows from it; lower case."""

InquiryId = Annotated[str, StringConstraints(pattern=UUID7_PATTERN)]
"""UUIDv7 that a producer draws for an inquiry; lower case."""

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
"""An identifier: an item's name code, a role, a procedure."""

Label = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=LABEL_PATTERN)]
"""A short text of an agency's own, such as an office."""

Instant = Annotated[str, AfterValidator(_instant)]

PostedInstant = Annotated[str, AfterValidator(posted_instant)]
"""A time as a producer writes it, made canonical."""
Digest = Annotated[str, StringConstraints(pattern=DIGEST_PATTERN)]
"""32 bytes, a hash or a key id: 43 characters, of which the last has no stray bits."""

Count = Annotated[int, Field(ge=0, le=canonical.LARGEST_INTEGER)]
"""A number without a limit of its own: an edition, a version."""

Binary = Annotated[str, StringConstraints(max_length=16384), AfterValidator(_binary)]


class Record(BaseModel):
    """A value that travels as canonical JSON: frozen, unknown fields refused, and no error repeats its input.

    Fields are kept in the order of their names in JSON, whatever order a class declares them in: so what pydantic
    serialises is the canonical spelling already, six times faster than sorting every time."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        fields = sorted(cls.__pydantic_fields__.items(), key=lambda item: item[1].alias or item[0])
        if fields != list(cls.__pydantic_fields__.items()):
            cls.__pydantic_fields__ = dict(fields)
            cls.model_rebuild(force=True)

    def encoded(self) -> bytes:
        """The canonical bytes; absent fields are left out, since there is no null."""
        try:
            data = self.__pydantic_serializer__.to_json(self, exclude_none=True, by_alias=True)
        except PydanticSerializationError:
            raise canonical.Malformed("a string holds a lone surrogate") from None
        if data.isascii() or canonical.is_normal(data.decode()):
            return data
        return (
            self._sorted()
        )  # finds the string that is not in normal form, if it is not the n of "\n" that a mark follows

    def _sorted(self) -> bytes:
        return canonical.encode(self.model_dump(mode="json", exclude_none=True, by_alias=True))


class FreeRecord(Record):
    """A record with a part of free form, such as an item's fields, which is sorted each time."""

    def encoded(self) -> bytes:
        return self._sorted()


R = TypeVar("R", bound=Record)


def decoded(model: type[R], data: bytes, limit: int) -> R:
    """`data` as a `model`, if it is its canonical spelling and at most `limit` bytes; else `canonical.Malformed`."""
    if len(data) > limit:
        raise canonical.Malformed(f"larger than {limit} bytes")
    try:
        record = model.model_validate_json(data)
    except ValidationError as error:
        raise canonical.Malformed(explained(error)) from None
    except RecursionError:
        raise canonical.Malformed("nested too deeply") from None
    if record.encoded() != data:
        raise canonical.Malformed("valid, but not in its canonical spelling")
    return record


def explained(error: ValidationError, within: str = "") -> str:
    """Path and sentence of each error, for a person; never what was read (unknown keys included).

    `within` is the path of the record itself, such as `control`."""
    return "; ".join(f"{_place(entry, within)}: {sentence(entry)}" for entry in error.errors(include_url=False)[:5])


def _place(entry: Any, within: str) -> str:
    """Field names and positions: of a union pydantic also names the alternative, and last an unknown key."""
    path = entry["loc"][:-1] if entry["type"] == "extra_forbidden" else entry["loc"]
    known = [str(part) for part in path if isinstance(part, int) or _FIELD.fullmatch(part)]
    return ".".join([*([within] if within else []), *known]) or "record"


_FIELD: Final = re.compile(r"[a-z][a-z0-9_]*")
