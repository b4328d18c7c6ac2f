"""What may be said, drawn at random: every value here is one that Renkei accepts."""

import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from schemas.control import FACELESS, Basis, Control, Item, Officer, Reply
from schemas.directory import HUB
from schemas.text import instant, moment, to_text
from tests.vectors import verifier

from .world import PERMITTED, Draft

MANY: Final = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
FEW: Final = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
"""Where public-key work is done."""

_CAPITALS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_NAMED: Final = _LETTERS + "0123456789_"


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def printable(text: str) -> bool:
    return all(character > "\x1f" and character != "\x7f" for character in text)


texts = st.text(max_size=20).map(verifier.normal_form)
labels = st.text(min_size=1, max_size=20).map(verifier.normal_form).filter(printable)
agencies = st.text(_CAPITALS, min_size=6, max_size=13).filter(lambda code: code != HUB)
names = st.tuples(st.sampled_from(_LETTERS), st.text(_NAMED, max_size=12)).map("".join)
digests = st.binary(min_size=32, max_size=32).map(to_text)
instants = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59), timezones=st.just(UTC)).map(instant)
suites = st.sampled_from(["1", "2"])


@st.composite
def identifiers(draw: st.DrawFn) -> str:
    """A UUID of version 7 or 8."""
    number = draw(st.integers(0, 2**128 - 1))
    version, variant = draw(st.sampled_from("78")), draw(st.sampled_from("89ab"))
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{version}{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


json_values = st.recursive(
    st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | texts,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=8), inner)
    ),
    max_leaves=12,
)
"""Values that have a canonical spelling."""

items = st.builds(Item, name=names, layout=st.integers(1, 9999))
rows = st.integers(1, 120).map(str) | st.tuples(st.integers(1, 120), st.integers(2, 9)).map("{0[0]}-{0[1]}".format)
bases = st.builds(
    Basis,
    source=st.sampled_from(["table2", "ordinance", "duty", "own_information"]),
    edition=labels,
    row=rows,
    branch=st.integers(1, 99),
    procedure=st.none() | names,
)
officers = st.builds(
    Officer, office=labels, role=names, staff=st.text(_CAPITALS + _LETTERS + "_.-", min_size=1, max_size=32)
)
replies = st.builds(Reply, id=identifiers(), message=digests, decision=st.none() | digests)
spans = st.tuples(st.timedeltas(timedelta(days=-6), timedelta(minutes=5)), st.timedeltas(timedelta(1), timedelta(24)))


@st.composite
def controls(draw: st.DrawFn, /, **fixed: Any) -> Control:
    """A control part that may be on the wire while a permit of `PERMITTED` is fresh."""
    kind = fixed.get("kind") or draw(st.sampled_from(["inquiry", "response", "notification", "refusal", "receipt"]))
    parties = draw(st.lists(agencies, min_size=2, max_size=2, unique=True))
    before, life = draw(spans)
    created = moment(PERMITTED) + before
    answer = replies if kind in ("response", "refusal", "receipt") else st.none() | replies
    said = {
        "id": draw(identifiers()),
        "exchange": draw(identifiers()),
        "position": draw(st.integers(0, 2**31 - 1)),
        "kind": kind,
        "sender": parties[0],
        "receiver": parties[1],
        "on_behalf_of": draw(st.none() | agencies),
        "basis": draw(bases),
        "item": draw(items),
        "officer": draw(officers if kind == "inquiry" else officers | st.just("auto")),
        "created": instant(created),
        "expires": instant(created + timedelta(days=6, minutes=1) + life),
        "in_reply_to": draw(answer),
        "non_disclosure": draw(st.none() | st.just(True)),
    }
    return Control.model_validate(said | fixed)


@st.composite
def drafts(draw: st.DrawFn, /, **fixed: Any) -> Draft:
    """A message; the business part is any bytes, since nothing on the way reads it."""
    control = draw(controls(**fixed))
    business = draw(st.binary(max_size=64) | st.integers(3_900, 4_200).map(bytes))
    if control.kind in FACELESS:
        return Draft("a message", control, business)
    codes = st.binary(min_size=1, max_size=40)
    return Draft("a message", control, business, draw(codes), draw(codes))
