"""An agency signs with the key that began last of those that others can check; where there is none, it waits or is told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.control import LIFETIME, Control, replying
from schemas.directory import HUB, KeyRecord, place, signed_record
from schemas.message import Message
from schemas.refusal import Refusal, RefusalCode
from schemas.text import instant
from schemas.wire import suites
from services.crypto.sealing import Sealer
from services.operator.keys.enrolment import Made, RootKey, make_key
from services.runtime.directory import Directory
from services.runtime.errors import Unavailable
from services.runtime.keys import KeyRings, PrivateKey, Ring, sealed
from services.runtime.rest import AtRest
from services.runtime.signing import PATIENCE, signing_key
from services.runtime.wrapping import ContentKeys

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TOKYO, OSAKA = "131016", "271004"
SECRET = bytes(range(32))
OLD = make_key(TOKYO, "sign", "ed25519", NOW - 2 * DAY, NOW + 2 * DAY)
NEW = make_key(TOKYO, "sign", "ed25519", NOW - DAY, NOW + DAY)
COMING = make_key(TOKYO, "sign", "ed25519", NOW + DAY, NOW + 3 * DAY)


ROOTS = {code: RootKey(code, "ed25519", suites.generate("ed25519")[0]) for code in (TOKYO, OSAKA, HUB)}


def directory(*records: KeyRecord | None) -> Directory:
    table = Directory({code: root.enrolled() for code, root in ROOTS.items()}, lambda: NOW)
    publish(table, *records)
    return table


def publish(table: Directory, *records: KeyRecord | None) -> None:
    """Each under its agency's root."""
    for record in records:
        assert record is not None
        data, root = record.encoded(), ROOTS[record.agency]
        signature = suites.sign(root.algorithm, root.private, signed_record(record.type, data))
        table.fold([Message(place(record), data, {"signature": signature})])
        assert table.key(record.kid) == record


def revoked(made: Made) -> KeyRecord:
    assert made.record is not None
    return made.record.model_copy(update={"version": 2, "revoked": instant(NOW)})


def chosen(*records: KeyRecord | None, now: datetime = NOW, awaited: dict[str, str] | None = None) -> PrivateKey | None:
    ring = Ring(agency=TOKYO, keys=[OLD.private, NEW.private, COMING.private])
    return signing_key(ring, "sign", instant(now), directory(*records), {} if awaited is None else awaited)


def test_the_key_that_began_last_signs() -> None:
    """As soon as it has begun, and not before."""
    records = (OLD.record, NEW.record, COMING.record)
    assert chosen(*records) == NEW.private
    assert chosen(*records, now=NOW + DAY) == COMING.private
    assert chosen(*records, now=NOW - DAY - timedelta(milliseconds=1)) == OLD.private


def test_an_older_key_goes_on_where_the_new_one_cannot_be_checked() -> None:
    """Not published yet, or revoked: no message waits for it, none is lost."""
    assert chosen(OLD.record) == OLD.private
    assert chosen(OLD.record, revoked(NEW)) == OLD.private


def test_a_key_without_a_record_is_waited_for_a_minute() -> None:
    """The operator may be about to publish it; after that minute what it would sign is refused at once, until it is there."""
    awaited: dict[str, str] = {}
    for seconds in (0, 30, 59):
        with pytest.raises(Unavailable, match=f"no record yet of the sign key of agency {TOKYO}"):
            chosen(revoked(OLD), now=NOW + timedelta(seconds=seconds), awaited=awaited)
    assert chosen(revoked(OLD), now=NOW + PATIENCE, awaited=awaited) is None
    assert chosen(revoked(OLD), now=NOW + 2 * PATIENCE, awaited=awaited) is None
    assert chosen(revoked(OLD), NEW.record, now=NOW + 2 * PATIENCE, awaited=awaited) == NEW.private


def test_where_all_are_revoked_or_ended_there_is_none() -> None:
    """And nothing is waited for."""
    assert chosen(revoked(OLD), revoked(NEW)) is None
    assert chosen(OLD.record, NEW.record, now=NOW + 3 * DAY) is None


# --- Sealing


def sealer(folder: Path, table: Directory, *keys: PrivateKey) -> Sealer:
    """Of TOKYO's messages, with these keys in its ring."""
    (folder / "linkage").mkdir()
    (folder / "linkage" / f"{TOKYO}.ring").write_bytes(sealed(Ring(agency=TOKYO, keys=list(keys)), SECRET, "linkage"))
    rings = KeyRings(folder, SECRET, "linkage")
    return Sealer(rings, AtRest(rings, lambda: NOW), table, ContentKeys(lambda: NOW), lambda: NOW)


DATA = make_key(TOKYO, "data", "aes-256-gcm", NOW - DAY, NOW + DAY)
SALT = make_key(TOKYO, "salt", "hmac-sha256", NOW - DAY, NOW + DAY)
WRAPS = [make_key(agency, "wrap", "x25519", NOW - DAY, NOW + DAY) for agency in (OSAKA, HUB)]


def refusal(keys: Sealer) -> Message:
    """A message without a person, so that it needs no more than keys."""
    number = "0193f7a0-0000-7000-8000-000000000001"
    asked = Control.model_validate(
        {
            "id": number, "exchange": number, "position": 0, "kind": "inquiry", "sender": OSAKA, "receiver": TOKYO,
            "basis": {"edition": "2015-12-27", "row": "57", "branch": 2},
            "item": {"name": "income_tax_certificate", "layout": 1}, "officer": {"office": "課", "role": "clerk", "staff": "a"},
            "created": instant(NOW), "expires": instant(NOW + LIFETIME),
        }
    )  # fmt: skip
    said = replying(
        asked, "refusal", id=number, message="A" * 43, decision=None, created=instant(NOW), expires=asked.expires
    ).encoded()
    parts = keys.rest.seal(TOKYO, said, {"value": b"{}"})
    return Message(TOKYO, parts["value"], {"control": said, "sealed": parts["sealed"]})


def test_without_a_usable_signing_key_the_own_side_is_told(tmp_path: Path) -> None:
    """Its only key has ended, or is revoked: a refusal, and no process stops for it."""
    ended = make_key(TOKYO, "sign", "ed25519", NOW - 2 * DAY, NOW - DAY)
    table = directory(ended.record, revoked(NEW), *(made.record for made in WRAPS))
    held = sealer(tmp_path, table, DATA.private, SALT.private, ended.private, NEW.private)
    with pytest.raises(Refusal) as told:
        held.seal(refusal(held))
    assert told.value.code == RefusalCode.KEY_REVOKED


def test_a_revoked_wrap_key_is_not_sealed_for(tmp_path: Path) -> None:
    """Another one that is valid is taken, whatever was sealed for the first before; without one the receiver cannot be told."""
    other = make_key(OSAKA, "wrap", "x25519", NOW - 2 * DAY, NOW + DAY)
    table = directory(NEW.record, other.record, *(made.record for made in WRAPS))
    held = sealer(tmp_path, table, DATA.private, SALT.private, NEW.private)
    first = held.seal(refusal(held)).envelope.seals.wrap
    for made, expected in ((WRAPS[0], other.private.kid), (other, None)):
        publish(table, revoked(made))
        if expected:
            assert held.seal(refusal(held)).envelope.seals.wrap == expected != first
    with pytest.raises(Refusal) as told:
        held.seal(refusal(held))
    assert told.value.code == RefusalCode.UNKNOWN_AGENCY
