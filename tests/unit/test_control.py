"""The control part: one spelling, no unknown field, and nobody asks as `auto`."""

from typing import Any, Final, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas import canonical
from schemas.canonical import Malformed
from schemas.control import LIMIT, Control, Question, Reply, replying
from schemas.text import decoded, to_text
from tests.vectors import verifier
from tests.vectors.strategies import MANY, controls, digests, identifiers

DIGEST: Final = to_text(bytes(32))
INQUIRY: Final[dict[str, Any]] = {
    "v": 1,
    "id": "019ab1c2-0000-7000-8000-000000000001",
    "exchange": "019ab1c2-0000-7000-8000-000000000001",
    "position": 0,
    "kind": "inquiry",
    "sender": "221309",
    "receiver": "401307",
    "basis": {"source": "table2", "edition": "2015-12-27", "row": "27", "branch": 4, "procedure": "inhabitant_tax"},
    "item": {"name": "income_tax_certificate", "layout": 1},
    "officer": {"office": "市民税課", "role": "tax_clerk", "staff": "s-0101"},
    "created": "2026-11-24T09:00:00.000Z",
    "expires": "2026-12-01T09:00:00.000Z",
    "mode": "online",
}
REPLY: Final = {"id": "019ab1c2-0000-7000-8000-000000000002", "message": DIGEST, "decision": DIGEST}


def read(entries: dict[str, Any]) -> Control:
    return decoded(Control, canonical.encode(entries), LIMIT)


@MANY
@given(controls())
def test_a_control_part_survives_its_bytes(control: Control) -> None:
    """What is parsed is serialised to the same bytes, within the limit, and the second verifier reads it."""
    data = control.encoded()
    assert decoded(Control, data, LIMIT) == control
    assert len(data) <= LIMIT
    assert verifier.read_control(data)["id"] == control.id


@MANY
@given(controls(), st.data())
def test_altered_bytes_are_another_control_part_or_malformed(control: Control, data: st.DataObject) -> None:
    """A byte replaced, inserted or left out: never the same content, never another exception."""
    said = control.encoded()
    place = data.draw(st.integers(0, len(said) - 1))
    changed = said[:place] + data.draw(st.binary(max_size=1)) + said[place + data.draw(st.integers(0, 1)) :]
    try:
        other = decoded(Control, changed, LIMIT)
    except Malformed:
        return
    assert other.encoded() == changed
    assert (other == control) == (changed == said)


@MANY
@given(st.recursive(st.sampled_from(["auto", 1, True, DIGEST, "inquiry"]), st.lists, max_leaves=3), st.data())
def test_any_value_in_any_field_is_read_or_malformed(value: object, data: st.DataObject) -> None:
    """Each field on its own may hold anything: one error."""
    field = data.draw(st.sampled_from(sorted(INQUIRY)))
    try:
        control = read(INQUIRY | {field: value})
    except Malformed:
        return
    assert control.encoded() == canonical.encode(INQUIRY | {field: value})


def test_the_example_is_read() -> None:
    """The other tests alter something that is right."""
    assert read(INQUIRY).officer != "auto"
    assert read(INQUIRY | {"kind": "response", "officer": "auto", "in_reply_to": REPLY}).officer == "auto"


@pytest.mark.parametrize("place", [None, "basis", "item", "officer", "in_reply_to"])
def test_unknown_fields_are_refused_at_every_level(place: str | None) -> None:
    """A reader that ignored one could be told two things at once."""
    entries = INQUIRY | {"in_reply_to": REPLY}
    read(entries)
    false = entries | {"x": 1} if place is None else entries | {place: entries[place] | {"x": 1}}
    with pytest.raises(Malformed, match="a field in here is not known"):
        read(false)


@pytest.mark.parametrize("field", sorted(INQUIRY))
def test_no_field_may_be_left_out(field: str) -> None:
    """Not even `v` and `mode`, whose values are known: there is one spelling."""
    with pytest.raises(Malformed):
        read({name: value for name, value in INQUIRY.items() if name != field})


@pytest.mark.parametrize("kind", ["response", "notification", "refusal", "receipt"])
def test_auto_is_an_officer_of_everything_but_inquiries(kind: str) -> None:
    """An inquiry is somebody's; the registered role of automatic answers is judged elsewhere."""
    read(INQUIRY | {"kind": kind, "officer": "auto", "in_reply_to": REPLY})
    with pytest.raises(Malformed):
        read(INQUIRY | {"officer": "auto"})


@pytest.mark.parametrize("kind", ["response", "refusal", "receipt"])
def test_an_answer_names_the_message_that_it_answers(kind: str) -> None:
    """By id and M; the decision is absent where the hub answered."""
    read(INQUIRY | {"kind": kind, "in_reply_to": REPLY})
    read(INQUIRY | {"kind": kind, "in_reply_to": {"id": REPLY["id"], "message": DIGEST}})
    with pytest.raises(Malformed):
        read(INQUIRY | {"kind": kind})


def test_nobody_writes_to_himself() -> None:
    """Sender and receiver are two agencies, also where a producer posts."""
    with pytest.raises(Malformed):
        read(INQUIRY | {"receiver": "221309"})
    with pytest.raises(ValidationError):
        Question.model_validate(POSTED | {"receiver": "221309"})


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("v", [0, 2, True, "1"]),
        ("id", ["019AB1C2-0000-7000-8000-000000000001", "019ab1c2-0000-1000-8000-000000000001", ""]),
        ("position", [-1, 2**31, True, "0"]),
        ("kind", ["question", "Inquiry", ""]),
        ("sender", ["22130", "２２１３０９", "221309 "]),
        ("on_behalf_of", ["", 1]),
        ("basis", [INQUIRY["basis"] | {"row": row} for row in ("", "a", "1-", "1000", "1-2-3", " 1")]),
        ("basis", [INQUIRY["basis"] | {"branch": branch} for branch in (0, 100, True)]),
        ("basis", [INQUIRY["basis"] | {"source": "table3"}, INQUIRY["basis"] | {"procedure": "Tax"}]),
        ("item", [{"name": "a", "layout": 0}, {"name": "a", "layout": 10_000}, {"name": "1a", "layout": 1}]),
        ("officer", [{"office": "a", "role": "b"}, {"office": "", "role": "b", "staff": "c"}, "Auto", "", []]),
        ("officer", [{"office": "a", "role": "b", "staff": staff} for staff in ("", "a b", "あ", "a" * 33)]),
        ("created", ["2026-11-24T09:00:00Z", "2026-11-24T24:00:00.000Z"]),
        ("mode", ["batch", ""]),
        ("in_reply_to", [{}, REPLY | {"message": ""}, REPLY | {"decision": DIGEST[:-1]}]),
        ("non_disclosure", [False, 1, "true"]),
    ],
)
def test_each_field_has_its_form(field: str, values: list[object]) -> None:
    """What is out of range, in another form or of another type is malformed."""
    for value in values:
        with pytest.raises(Malformed):
            read(INQUIRY | {field: value})


def test_the_longest_control_part_is_within_the_limit() -> None:
    """No field may be so long that what is well-formed is too large."""
    longest = "𠮷" * 64
    entries = INQUIRY | {
        "sender": "A" * 13,
        "receiver": "B" * 13,
        "on_behalf_of": "C" * 13,
        "position": 2**31 - 1,
        "basis": {
            "source": "own_information",
            "edition": longest,
            "row": "100-10",
            "branch": 99,
            "procedure": "a" * 64,
        },
        "item": {"name": "a" * 64, "layout": 9999},
        "officer": {"office": longest, "role": "a" * 64, "staff": "a" * 32},
        "in_reply_to": REPLY,
        "non_disclosure": True,
    }
    assert len(read(entries).encoded()) < LIMIT / 4


@MANY
@given(controls(kind="inquiry"), st.sampled_from(["response", "refusal"]), digests, st.none() | digests, identifiers())
def test_an_answer_is_about_what_was_asked(
    asked: Control, kind: Literal["response", "refusal"], message: str, decision: str | None, own: str
) -> None:
    """Parties swapped, the same exchange, basis, item and disclosure, and it names what it answers."""
    times = {"created": asked.created, "expires": asked.expires}
    answer = replying(asked, kind, id=own, message=message, decision=decision, **times)
    assert (answer.kind, answer.id, answer.officer) == (kind, own, "auto")
    assert (answer.sender, answer.receiver) == (asked.receiver, asked.sender)
    assert (answer.exchange, answer.basis, answer.item) == (asked.exchange, asked.basis, asked.item)
    assert answer.non_disclosure == asked.non_disclosure
    assert answer.in_reply_to == Reply(id=asked.id, message=message, decision=decision)
    hub = replying(asked, kind, id=own, message=message, decision=decision, sender="NWS000", **times)
    assert hub == answer.model_copy(update={"sender": "NWS000"})
    assert decoded(Control, hub.encoded(), LIMIT) == hub


POSTED: Final = {name: INQUIRY[name] for name in ("id", "sender", "receiver", "basis", "item", "officer")}


def test_a_question_is_completed_to_the_first_message_of_its_exchange() -> None:
    """Its id opens the exchange; what was posted is said as it was posted."""
    control = Question.model_validate(POSTED).completed(INQUIRY["created"], INQUIRY["expires"])
    assert control == read(INQUIRY)
    shown = Question.model_validate(POSTED | {"non_disclosure": True})
    assert shown.completed(INQUIRY["created"], INQUIRY["expires"]) == read(INQUIRY | {"non_disclosure": True})


def test_a_producer_may_say_until_when() -> None:
    """A time with its offset, made canonical; what it comes to is said by who completes the question."""
    posted = Question.model_validate(POSTED | {"expires": "2026-11-25T09:00:00.000Z"})
    assert posted.expires == "2026-11-25T09:00:00.000Z"
    assert posted.completed(INQUIRY["created"], INQUIRY["expires"]) == read(INQUIRY)
    for wrong in ("2026-11-25", 1795000000, "2026-11-25T09:00:00"):
        with pytest.raises(ValidationError):
            Question.model_validate(POSTED | {"expires": wrong})


@pytest.mark.parametrize(
    "entry", [{"officer": "auto"}, {"created": INQUIRY["created"]}, {"kind": "inquiry"}, {"exchange": INQUIRY["id"]}]
)
def test_a_producer_says_only_what_is_his_to_say(entry: dict[str, object]) -> None:
    """No time, kind, exchange or version; and a member of staff, not `auto`."""
    with pytest.raises(ValidationError):
        Question.model_validate(POSTED | entry)
