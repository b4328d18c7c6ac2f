"""The hub permits nothing under a key that the edition it names has revoked, be it the sender's or its own."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.directory import HUB, KeyRecord
from schemas.text import instant
from services.hub.link_codes import LinkCodes
from services.hub.permitting import Granted, Permitter
from services.operator.keys.enrolment import Made, make_key
from services.runtime.directory import Directory
from services.runtime.errors import Unavailable
from services.runtime.keys import KeyRings, Ring, sealed
from services.runtime.wrapping import ContentKeys
from tests.vectors import make
from tests.vectors.world import World, revoked

NOW = datetime(2026, 11, 24, 9, 0, 2, tzinfo=UTC)
DAY = timedelta(days=1)
SECRET = bytes(range(32))
WORLD = World("1", make.HAMAMATSU, make.FUKUOKA, "hub keys")
SIGNED = WORLD.sign([WORLD.seal(make.drafts()[0])])[0].envelope
OLD, NEW = (make_key(HUB, "permit", "ed25519", NOW - days * DAY, NOW + DAY) for days in (2, 1))


def permitter(folder: Path, records: Sequence[KeyRecord | None], *held: Made) -> Permitter:
    """The hub with these records in its directory, and these keys in its ring."""
    directory = Directory({}, lambda: NOW, edition=9)
    directory.keys |= {record.kid: record for record in records if record}
    (folder / "hub").mkdir(exist_ok=True)
    ring = Ring(agency=HUB, keys=[made.private for made in held])
    (folder / "hub" / f"{HUB}.ring").write_bytes(sealed(ring, SECRET, "hub"))
    codes, content_keys = LinkCodes(bytes(32)), ContentKeys(lambda: NOW)
    return Permitter(KeyRings(folder, SECRET, "hub"), directory, codes, content_keys, lambda: NOW)


def test_a_decision_obeys_the_edition_that_it_names(tmp_path: Path) -> None:
    """Where the sender's key was revoked after its signature was checked, the batch is judged again instead."""
    key = WORLD.keys["sign"]
    assert permitter(tmp_path, [key.record]).decide(SIGNED, None).directory == 9
    for records in ([revoked(key).record], []):
        with pytest.raises(Unavailable, match="changed while the batch was judged"):
            permitter(tmp_path, records).decide(SIGNED, None)


def test_permits_are_signed_with_a_key_that_counts(tmp_path: Path) -> None:
    """The newest that is published and not revoked; while there is none, messages wait."""
    assert NEW.record is not None
    gone = NEW.record.model_copy(update={"version": 2, "revoked": instant(NOW)})
    wrap = WORLD.keys["wrap"].record
    for records, kid in (((OLD.record, NEW.record), NEW), ((OLD.record, gone), OLD), ((OLD.record,), OLD)):
        hub = permitter(tmp_path, [WORLD.keys["sign"].record, wrap, *records], OLD, NEW)
        hub.directory._purposes[wrap.agency, "wrap"].append(wrap)
        [envelope] = hub.permit([Granted(SIGNED, hub.decide(SIGNED, None), b"", b"")])
        assert envelope.permits.key == kid.private.kid
    hub = permitter(tmp_path, [WORLD.keys["sign"].record, gone], NEW)
    with pytest.raises(Unavailable, match="the hub has no valid permit key: see `renkei keys renew NWS000 --sign`"):
        hub.permit([Granted(SIGNED, hub.decide(SIGNED, None), b"", b"")])
