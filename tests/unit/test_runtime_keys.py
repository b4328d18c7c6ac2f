"""Key rings open for the one block and agency that they were sealed for, under the one key-encryption key."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.text import instant
from services.operator.keys.enrolment import make_key
from services.runtime.errors import Misconfigured, MissingKey
from services.runtime.keys import KeyRings, PrivateKey, Ring, opened, read_key_encryption_key, sealed

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
TOKYO, OSAKA = "131016", "271004"
SECRET = bytes(range(32))


def key(days: int = 0, agency: str = TOKYO) -> PrivateKey:
    """A data key that begins so many days from now and lasts two."""
    starts = NOW + timedelta(days=days)
    return make_key(agency, "data", "aes-256-gcm", starts, starts + timedelta(days=2)).private


def ring(*keys: PrivateKey, agency: str = TOKYO) -> Ring:
    return Ring(agency=agency, keys=list(keys))


@pytest.fixture
def rings(tmp_path: Path) -> KeyRings:
    (tmp_path / "linkage").mkdir()
    return KeyRings(tmp_path, SECRET, "linkage")


def keep(rings: KeyRings, held: Ring, secret: bytes = SECRET, name: str = "") -> Path:
    file = rings.folder / "linkage" / f"{name or held.agency}.ring"
    draft = file.with_suffix(".draft")
    draft.write_bytes(sealed(held, secret, "linkage"))
    return draft.replace(file)


def test_what_was_sealed_opens() -> None:
    """The same ring; and never twice the same bytes, since the nonce is drawn."""
    held = ring(key())
    assert opened(sealed(held, SECRET, "linkage"), SECRET, "linkage", TOKYO) == held
    assert sealed(held, SECRET, "linkage") != sealed(held, SECRET, "linkage")


@pytest.mark.parametrize("place", range(0, 700, 50))
def test_an_altered_ring_does_not_open(place: int) -> None:
    """Wherever a bit is changed."""
    data = bytearray(sealed(ring(key()), SECRET, "linkage"))
    data[place % len(data)] ^= 1
    with pytest.raises(Misconfigured, match="does not open"):
        opened(bytes(data), SECRET, "linkage", TOKYO)


@pytest.mark.parametrize(
    ("secret", "block", "agency"),
    [(bytes(32), "linkage", TOKYO), (SECRET, "intermediate", TOKYO), (SECRET, "linkage", OSAKA)],
    ids=["another key-encryption key", "another block", "another agency"],
)
def test_a_moved_ring_does_not_open(secret: bytes, block: str, agency: str) -> None:
    """The message names block and agency, and nothing of the ring."""
    data = sealed(ring(key()), SECRET, "linkage")
    with pytest.raises(Misconfigured, match=f"the {block} key ring of agency {agency} does not open"):
        opened(data, secret, block, agency)


@pytest.mark.parametrize("data", [b"", b"short", bytes(28)])
def test_what_is_no_ring_does_not_open(data: bytes) -> None:
    """A file that is empty or cut off."""
    with pytest.raises(Misconfigured, match="does not open"):
        opened(data, SECRET, "linkage", TOKYO)


def test_a_ring_under_another_name_is_refused(rings: KeyRings) -> None:
    """A copied file gives no agency another's keys."""
    keep(rings, ring(key()), name=OSAKA)
    with pytest.raises(Misconfigured, match=f"agency {OSAKA}"):
        rings.refresh()


def test_rings_are_read_again_when_they_change(rings: KeyRings) -> None:
    """At start, on change, and when an agency is asked for that has just come; what stays is not read again."""
    file = keep(rings, ring(key()))
    rings.refresh()
    first = rings.of(TOKYO)
    rings.refresh()
    assert rings.of(TOKYO) is first
    keep(rings, ring(key(), key(1)))
    os.utime(file, ns=(1, 1))
    rings.refresh()
    assert len(rings.of(TOKYO).keys) == 2
    assert rings.get(OSAKA) is None
    keep(rings, ring(key(agency=OSAKA), agency=OSAKA))
    assert rings.get(OSAKA) is not None
    assert set(rings.agencies()) == {TOKYO, OSAKA}


def test_a_ring_that_is_not_here_is_the_operators(rings: KeyRings) -> None:
    """No keys of this agency at this site; a name that is no agency code reaches no file."""
    with pytest.raises(MissingKey, match=f"no key ring of agency {TOKYO} in block linkage"):
        rings.of(TOKYO)
    assert rings.get("../linkage/131016") is None


def test_the_key_that_began_last_is_current() -> None:
    """Of those that are valid at that instant and for that purpose; none is the operator's to mend."""
    old, new = key(0), key(1)
    held = ring(new, old)
    assert held.current("data", instant(NOW)) == old
    assert held.current("data", instant(NOW + timedelta(days=1))) == new
    assert held.by_kid == {old.kid: old, new.kid: new}
    for purpose, day in (("data", 3), ("sign", 0)):
        with pytest.raises(MissingKey, match=f"has no {purpose} key"):
            held.current(purpose, instant(NOW + timedelta(days=day)))  # type: ignore[arg-type]


def test_secrets_are_not_shown(rings: KeyRings) -> None:
    """Neither the key-encryption key nor a ring is in the text of what holds them."""
    keep(rings, ring(key()))
    rings.refresh()
    assert repr(SECRET) not in repr(rings)
    assert rings.of(TOKYO).keys[0].private not in repr(rings)


def test_the_key_encryption_key_has_32_bytes(tmp_path: Path) -> None:
    """Another length, or no file, is named; what is in it is not."""
    file = tmp_path / "key"
    file.write_bytes(SECRET)
    assert read_key_encryption_key(file) == SECRET
    file.write_bytes(SECRET[:31])
    with pytest.raises(Misconfigured, match="expected 32 bytes, found 31"):
        read_key_encryption_key(file)
    with pytest.raises(Misconfigured, match="No such file"):
        read_key_encryption_key(tmp_path / "nowhere")
