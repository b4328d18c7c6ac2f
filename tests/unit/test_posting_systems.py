"""Posting systems (業務システム): each has keys of its own, made here or by a vendor, and answers are sealed to it alone."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from joserfc.jwk import KeySet, OKPKey
from pydantic import ValidationError
from typer.testing import CliRunner, Result

from schemas import jwe
from schemas.control import Control
from schemas.directory import DEFAULT_SYSTEM, KeyRecord
from schemas.jwk import members
from schemas.text import instant, to_text
from schemas.wire import suites
from services.exchange.ending import AnswerKeys, Ending
from services.operator.command import app
from services.operator.installation import Installation
from services.operator.keys import key_sets, renewal, revocation, systems
from services.operator.keys.enrolment import assertion_key, create_keys, make_key, posting_key
from services.operator.keys.keyrings import held_keys
from services.operator.keys.listing import kept_records
from services.operator.local.error import InstallationError
from services.operator.local.files import replace_file
from services.runtime.errors import Misconfigured, MissingKey
from tests.unit.test_key_renewal import table_of

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
TOKYO, OSAKA = "131016", "271004"
TAX = "tax-office"


@pytest.fixture
def site(tmp_path: Path) -> Installation:
    """Keys of two agencies, made on 24 November."""
    installation = Installation(tmp_path)
    create_keys(installation, [TOKYO, OSAKA], "1", NOW)
    return installation


def vendors_set(*uses: str) -> tuple[bytes, KeySet]:
    """What a vendor makes with its own library: the public set, and the private one that stays with it."""
    curves: dict[str, Literal["Ed25519", "X25519"]] = {"sig": "Ed25519", "enc": "X25519"}
    private = KeySet([OKPKey.generate_key(curves[use], {"use": use}, private=True) for use in uses or curves])
    return json.dumps(private.as_dict(private=False)).encode(), private


def records(site: Installation, system: str, agency: str = TOKYO) -> list[KeyRecord]:
    posting = [record for record in kept_records(site, agency) if record.purpose in ("assertion", "answer")]
    return [record for record in posting if record.posting_system == system]


def answer_key(site: Installation, system: str, at: datetime, agency: str = TOKYO) -> KeyRecord | None:
    """The key that `exchange` seals to at that time."""
    return table_of(site, at).answer_key(agency, system, instant(at))


def ran(site: Installation, *command: str) -> Result:
    return CliRunner().invoke(app, [*command, "--folder", str(site.folder)], env={"COLUMNS": "200"})


# --- Records


def test_a_record_names_its_system_or_means_default(site: Installation) -> None:
    """Records that were signed before there were systems stay as they are: `default` is what names none."""
    systems.create(site, TOKYO, TAX, "1", NOW)
    assert {record.system for record in records(site, DEFAULT_SYSTEM)} == {None}
    assert {record.system for record in records(site, TAX)} == {TAX}
    assert {record.purpose for record in records(site, TAX)} == {"assertion", "answer"}


@pytest.mark.parametrize(
    ("purpose", "algorithm", "system"),
    [("sign", "ed25519", TAX), ("assertion", "ed25519", "default"), ("answer", "ed25519", None),
     ("assertion", "ed25519", "Tax"), ("assertion", "ed25519", "-tax"), ("assertion", "ed25519", "t" * 33),
     ("assertion", "ed25519", "tax\n")],
)  # fmt: skip
def test_only_posting_keys_name_a_system(purpose: str, algorithm: Any, system: str | None) -> None:
    """In one spelling; an answer key is one that can be sealed to."""
    good = make_key(TOKYO, "assertion", "ed25519", NOW, NOW + DAY).record
    assert good is not None
    entries = json.loads(good.encoded()) | {"purpose": purpose, "algorithm": algorithm}
    with pytest.raises(ValidationError):
        KeyRecord.model_validate_json(json.dumps({**entries, **({"system": system} if system else {})}))


def test_every_system_has_its_own_answer_key(site: Installation) -> None:
    """Of its own valid ones the newest; never another system's, and none for a system that nobody knows."""
    systems.create(site, TOKYO, TAX, "2", NOW)
    found = [answer_key(site, system, NOW) for system in (DEFAULT_SYSTEM, TAX, "nobody")]
    assert [one and (one.posting_system, one.algorithm) for one in found] == [
        ("default", "x25519"), (TAX, "ecdh-p256"), None,
    ]  # fmt: skip
    assert answer_key(site, TAX, NOW, OSAKA) is None


# --- Key sets


def test_the_key_set_is_its_owners_alone(site: Installation) -> None:
    """A JWK set that a JOSE library imports, with the directory's key ids; readable by its owner, never written over."""
    file = systems.create(site, TOKYO, TAX, "1", NOW)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    stored = json.loads(file.read_bytes())
    assert (stored["agency"], stored["system"]) == (TOKYO, TAX)
    imported = KeySet.import_key_set(stored)
    assert {key.kid for key in imported.keys} == {record.kid for record in records(site, TAX)}
    assert all(key.is_private for key in imported.keys)
    with pytest.raises(ValueError, match="has keys already"):
        systems.create(site, TOKYO, TAX, "1", NOW)
    assert json.loads(file.read_bytes()) == stored


def test_what_was_broken_off_is_not_made_again(site: Installation) -> None:
    """A file without records: `create` refuses, a renewal signs what is missing."""
    systems.create(site, TOKYO, TAX, "1", NOW)
    for record in records(site, TAX):
        (site.records / f"key_{TOKYO}_{record.kid}").unlink()
    with pytest.raises(ValueError, match="signs records that are missing"):
        systems.create(site, TOKYO, TAX, "1", NOW)
    renewal.renew(site, TOKYO, NOW)
    assert {record.purpose for record in records(site, TAX)} == {"assertion", "answer"}


@pytest.mark.parametrize("left", [b"", b"{", b"[]", b'{"keys": [1]}', b'{"keys": [{"kty": "EC"}]}'])
def test_a_key_set_that_is_spoilt_is_named(left: bytes, site: Installation) -> None:
    """By every command that reads it."""
    file = systems.create(site, TOKYO, TAX, "1", NOW)
    file.write_bytes(left)
    with pytest.raises(Misconfigured, match=rf"{file.name} is not the key set of a posting system"):
        held_keys(site, TOKYO)


def test_an_earlier_installation_goes_on(tmp_path: Path) -> None:
    """Its posting key, and the one to come, are those of `default`; a renewal makes the answer key and the key set."""
    site = Installation(tmp_path)
    create_keys(site, [TOKYO], "1", NOW)
    old, to_come = [make_key(TOKYO, "assertion", "ed25519", NOW + n * DAY, NOW + 300 * DAY).private for n in (0, 1)]
    key_sets.file_of(site, TOKYO, DEFAULT_SYSTEM).unlink()
    for record in records(site, DEFAULT_SYSTEM):
        (site.records / f"key_{TOKYO}_{record.kid}").unlink()
    replace_file(site.systems / TOKYO, old.encoded())
    replace_file(site.systems / f"{TOKYO}.next", to_come.encoded())
    assert posting_key(site, TOKYO, instant(NOW)) == old
    assert posting_key(site, TOKYO, instant(NOW + DAY)) == to_come
    assert answer_key(site, DEFAULT_SYSTEM, NOW) is None
    made = {key.purpose for key in renewal.renew(site, TOKYO, NOW)}
    assert "answer" in made
    assert "assertion" not in made
    assert sorted(file.name for file in site.systems.iterdir()) == [f"{TOKYO}.default.json"]
    assert posting_key(site, TOKYO, instant(NOW)) == old
    assert posting_key(site, TOKYO, instant(NOW + DAY)) == to_come
    assert answer_key(site, DEFAULT_SYSTEM, NOW) is not None


# --- A vendor's keys


def test_a_vendors_public_keys_are_enrolled(site: Installation) -> None:
    """Signed by the root, taken by every table; the private halves are nowhere here, and twice changes nothing."""
    data, _ = vendors_set()
    new = systems.enroll(site, TOKYO, TAX, data, NOW)
    assert [(record.purpose, record.system) for record in new] == [("assertion", TAX), ("answer", TAX)]
    table = table_of(site, NOW)
    assert table.ignoring.counts == {}
    assert all(table.key(record.kid) == record for record in new)
    assert systems.enroll(site, TOKYO, TAX, data, NOW + DAY) == []
    assert key_sets.systems_here(site, TOKYO) == [DEFAULT_SYSTEM]
    with pytest.raises(MissingKey, match="no posting key"):
        assertion_key(site, TOKYO, TAX)


def test_a_vendor_renews_by_another_set(site: Installation) -> None:
    """The old keys stay valid beside the new ones, and answers are sealed to the newest at once."""
    first = systems.enroll(site, TOKYO, TAX, vendors_set()[0], NOW)
    second = systems.enroll(site, TOKYO, TAX, vendors_set()[0], NOW + DAY)
    table = table_of(site, NOW + DAY)
    assert all(table.keys[record.kid].valid(instant(NOW + DAY)) for record in (*first, *second))
    assert answer_key(site, TAX, NOW + DAY) == second[1]


def test_a_key_is_one_systems_alone(site: Installation) -> None:
    """Not a second one's of the agency; not one that was revoked; and of each use one at a time."""
    data, _ = vendors_set()
    [signing, _sealing] = systems.enroll(site, TOKYO, TAX, data, NOW)
    with pytest.raises(ValueError, match=r"keys\[0\]: the key is that of system tax-office"):
        systems.enroll(site, TOKYO, "welfare", data, NOW)
    with pytest.raises(ValueError, match=r"keys\[1\]: the second new key of its use"):
        systems.enroll(site, TOKYO, "welfare", vendors_set("sig", "sig")[0], NOW)
    revocation.revoke(site, signing, NOW)
    with pytest.raises(ValueError, match=r"keys\[0\]: the key is revoked"):
        systems.enroll(site, TOKYO, TAX, data, NOW)
    assert records(site, "welfare") == []
    assert systems.enroll(site, OSAKA, TAX, data, NOW)  # another agency's record has another kid


# --- Renewal and removal


def test_a_system_is_renewed_with_overlap(site: Installation) -> None:
    """Its new keys stand in its file before they are used; the system beside it keeps its own."""
    systems.create(site, TOKYO, TAX, "1", NOW)
    old, others = assertion_key(site, TOKYO, TAX), key_sets.read(site, TOKYO, DEFAULT_SYSTEM)
    made = [key for key in systems.renew(site, TOKYO, TAX, NOW, 10) if key.purpose in ("assertion", "answer")]
    assert {(key.purpose, key.posting_system, key.starts) for key in made} == {
        (purpose, TAX, instant(NOW + 10 * MINUTE)) for purpose in ("assertion", "answer")
    }
    assert [len(key_sets.read(site, TOKYO, system)) for system in (TAX, DEFAULT_SYSTEM)] == [4, 2]
    assert key_sets.read(site, TOKYO, DEFAULT_SYSTEM) == others
    assert posting_key(site, TOKYO, instant(NOW + 9 * MINUTE), TAX) == old
    assert posting_key(site, TOKYO, instant(NOW + 10 * MINUTE), TAX) in made
    seals = [answer_key(site, TAX, NOW + minutes * MINUTE) for minutes in (0, 9, 10)]
    assert [one is not None and one.kid in {key.kid for key in made} for one in seals] == [False, False, True]
    with pytest.raises(ValueError, match="the private keys of system welfare are not here"):
        systems.renew(site, TOKYO, "welfare", NOW, 10)


def test_keys_that_end_are_followed(site: Installation) -> None:
    """The monthly run makes the next posting and answer keys of every system whose key set is here."""
    systems.create(site, TOKYO, TAX, "1", NOW)
    late = NOW + 330 * DAY
    made = {
        (key.purpose, key.posting_system)
        for key in renewal.renew(site, TOKYO, late)
        if key.purpose in ("assertion", "answer")
    }
    assert made == {(purpose, system) for purpose in ("assertion", "answer") for system in (TAX, DEFAULT_SYSTEM)}
    assert not [key for key in renewal.renew(site, TOKYO, late) if key.purpose in ("assertion", "answer")]


def test_a_removed_system_is_revoked_in_full(site: Installation) -> None:
    """None of its keys verifies or is sealed to; its private answer key stays, for what is on the log; nothing revives it."""
    systems.create(site, TOKYO, TAX, "1", NOW)
    assert {record.revoked for record in systems.remove(site, TOKYO, TAX, NOW)} == {instant(NOW)}
    table = table_of(site, NOW)
    assert not [one for one in records(site, TAX) if table.keys[one.kid].valid(instant(NOW))]
    assert answer_key(site, TAX, NOW) is None
    renewal.renew(site, TOKYO, NOW)
    assert [key.purpose for key in key_sets.read(site, TOKYO, TAX) if key.purpose == "answer"] == ["answer"]
    assert answer_key(site, TAX, NOW) is None
    with pytest.raises(ValueError, match="has no system welfare"):
        systems.remove(site, TOKYO, "welfare", NOW)


# --- What completes an exchange


def ending() -> Ending:
    """A refusal."""
    return Ending(TOKYO, "019ab1c2-0000-7000-8000-000000000001", 0, "refused", b"{}", b'{"code":"expired"}', b"v", b"k")


def private_keys(site: Installation, system: str) -> dict[str, jwe.Private]:
    return {key.kid: (key.algorithm, key.secret) for key in key_sets.read(site, TOKYO, system)}


def test_an_answer_is_sealed_to_the_system_that_asked(site: Installation) -> None:
    """It opens to what the gateway shows; the system beside it does not open it."""
    systems.create(site, TOKYO, TAX, "1", NOW)
    end = ending()
    value, headers = AnswerKeys(table_of(site, NOW), lambda: NOW).seal(end, TAX)
    assert headers == {"content-type": b"application/jose", "ce_datacontenttype": b"application/jose"}
    addressed = jwe.Addressed(end.event, TOKYO, TAX)
    assert json.loads(jwe.opened(value, addressed, private_keys(site, TAX))) == {
        "business": {"code": "expired"}, "control": {}, "exchange": end.exchange, "state": "refused",
    }  # fmt: skip
    with pytest.raises(jwe.Unopened):
        jwe.opened(value, addressed, private_keys(site, DEFAULT_SYSTEM))


@pytest.mark.parametrize("why", ["none was enrolled", "revoked", "ended"])
def test_without_an_answer_key_an_event_has_no_content(why: str, site: Installation) -> None:
    """Nothing is sealed to anybody else in its place."""
    enrolled = systems.enroll(site, TOKYO, TAX, vendors_set("sig" if why == "none was enrolled" else "enc")[0], NOW)
    if why == "revoked":
        revocation.revoke(site, enrolled[0], NOW)
    now = NOW + 366 * DAY if why == "ended" else NOW
    assert AnswerKeys(table_of(site, now), lambda: now).seal(ending(), TAX) == (b"", {})


def test_the_operator_is_told_of_a_system_without_an_answer_key(site: Installation, tmp_path: Path) -> None:
    """Listed beside the keys; a system that has both is not named."""
    (tmp_path / "jwks.json").write_bytes(vendors_set("sig")[0])
    assert ran(site, "system", "enroll", TOKYO, TAX, str(tmp_path / "jwks.json")).exit_code == 0
    said = ran(site, "system", "list", TOKYO).output
    assert f"{TAX} has no valid answer key" in said
    assert "default has no valid" not in said


def test_an_ending_is_never_printed() -> None:
    """Its business part is in clear."""
    assert "expired" not in repr(ending())
    assert Control.__name__ not in repr(ending())


# --- The commands


def test_the_commands_say_what_they_do(site: Installation, tmp_path: Path) -> None:
    """Made, enrolled, listed, renewed; a private half is never shown."""
    data, _ = vendors_set()
    (tmp_path / "jwks.json").write_bytes(data)
    said = [
        ran(site, "system", "create", TOKYO, TAX),
        ran(site, "system", "enroll", TOKYO, "welfare", str(tmp_path / "jwks.json")),
        ran(site, "system", "enroll", TOKYO, "welfare", str(tmp_path / "jwks.json")),
        ran(site, "system", "renew", TOKYO, TAX),
        ran(site, "system", "list", TOKYO),
    ]
    assert [one.exit_code for one in said] == [0] * 5, [one.output for one in said]
    assert str(key_sets.file_of(site, TOKYO, TAX)) in said[0].output
    assert all(f"named by kid {record.kid}" in said[1].output for record in records(site, "welfare"))
    assert "They are enrolled already." in said[2].output
    lines = said[4].output.splitlines()
    assert [sum(word in line for line in lines) for word in (TAX, "welfare", "with the system")] == [4, 2, 2]
    printed = "".join(one.output for one in said)
    assert not [key for key in held_keys(site, TOKYO) if key.private in printed]


@pytest.mark.parametrize(
    ("command", "said"),
    [(["create", TOKYO, "Tax"], "the system's name is expected to be"),
     (["create", "../evil", TAX], "a local government code is six digits"),
     (["create", TOKYO, "../evil"], "the system's name is expected to be"),
     (["create", TOKYO, DEFAULT_SYSTEM], "has keys already"),
     (["remove", TOKYO, "nobody"], "has no system nobody"),
     (["renew", TOKYO, "nobody"], "are not here")],
)  # fmt: skip
def test_what_is_typed_wrongly_changes_nothing(command: list[str], said: str, site: Installation) -> None:
    """One line, status 2, and no file more."""
    before = sorted(site.folder.rglob("*"))
    result = ran(site, "system", *command)
    assert (result.exit_code, said in result.output) == (2, True), result.output
    assert sorted(path for path in site.folder.rglob("*") if path.name != "changing.lock") == [
        path for path in before if path.name != "changing.lock"
    ]


def test_a_private_set_is_not_enrolled(site: Installation, tmp_path: Path) -> None:
    """Nor is one for an agency without keys here."""
    _, private = vendors_set()
    (tmp_path / "jwks.json").write_text(json.dumps(private.as_dict(private=True)))
    result = ran(site, "system", "enroll", TOKYO, TAX, str(tmp_path / "jwks.json"))
    assert (result.exit_code, "keys[0]: `d` is private" in result.output) == (2, True)
    assert records(site, TAX) == []
    missing = ran(site, "system", "create", "401307", TAX)
    assert isinstance(missing.exception, InstallationError)


def test_a_removal_stands_signed_where_it_cannot_be_published(site: Installation) -> None:
    """Nothing runs here: the records are kept all the same, and the operator is told."""
    systems.create(site, TOKYO, TAX, "1", NOW)
    result = ran(site, "system", "remove", TOKYO, TAX)
    assert result.output.count("is revoked since") == 2
    assert isinstance(result.exception, InstallationError)
    assert all(record.revoked for record in records(site, TAX))


def test_a_p256_key_set_is_written_in_full(site: Installation) -> None:
    """Suite 2: kty EC with both coordinates, which read back as the same key."""
    file = systems.create(site, TOKYO, TAX, "2", NOW)
    [stored] = [key for key in json.loads(file.read_bytes())["keys"] if key["use"] == "enc"]
    [key] = [key for key in key_sets.read(site, TOKYO, TAX) if key.purpose == "answer"]
    public = suites.public_of("ecdh-p256", key.secret)
    assert {name: stored[name] for name in ("kty", "crv", "x", "y")} == {
        name: members("ecdh-p256", public)[name] for name in ("kty", "crv", "x", "y")
    }
    assert (stored["d"], stored["kid"]) == (to_text(key.secret), key.kid)
