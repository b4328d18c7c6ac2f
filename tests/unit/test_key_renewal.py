"""Keys are renewed before they are needed, a second run makes nothing, and a revoked key is followed only if asked for."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.directory import DEFAULT_SYSTEM, HUB
from schemas.message import Message
from schemas.text import instant, to_bytes
from services.operator.command import app
from services.operator.installation import Installation
from services.operator.keys import key_sets, renewal, revocation
from services.operator.keys.enrolment import assertion_key, create_keys, posting_key
from services.operator.keys.keyrings import held_keys
from services.operator.keys.listing import kept_records, listed
from services.operator.local.error import InstallationError
from services.operator.publication import published_files
from services.runtime.directory import Directory, EnrolledRoots
from services.runtime.keys import KeyRings, PrivateKey, Ring
from services.runtime.signing import signing_key

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TOKYO, OSAKA = "131016", "271004"


@pytest.fixture
def site(tmp_path: Path) -> Installation:
    """Keys of a hub and two agencies, made on 24 November; Osaka's in suite 2."""
    installation = Installation(tmp_path)
    create_keys(installation, [HUB, TOKYO], "1", NOW)
    create_keys(installation, [OSAKA], "2", NOW)
    return installation


def ring(site: Installation, agency: str = TOKYO, block: str = "linkage") -> Ring:
    return KeyRings(site.keys, site.key_encryption_key.read_bytes(), block).of(agency)


def table_of(site: Installation, now: datetime) -> Directory:
    """The directory as a service has it once everything that is kept here is published."""
    table = Directory(EnrolledRoots(site.roots), lambda: now)
    for file in published_files(site):
        kept = json.loads(file.read_text())
        table.fold([Message(kept["place"], to_bytes(kept["record"]), {"signature": to_bytes(kept["signature"])})])
    return table


def states(site: Installation, purpose: str, now: datetime, agency: str = TOKYO) -> list[str]:
    return [one.state for one in listed(site, agency, now) if one.purpose == purpose]


def kinds(made: list[PrivateKey]) -> list[tuple[str, str, str]]:
    return [(key.purpose, key.starts[:10], key.until[:10]) for key in made]


# --- The months ahead


@pytest.mark.parametrize("agency", [TOKYO, OSAKA, HUB])
def test_an_installation_does_not_end(site: Installation, agency: str) -> None:
    """Run every month, there is a wrap and a salt key for every day of years, and one that signs."""
    block = "hub" if agency == HUB else "linkage"
    for month in range(30):
        renewal.renew(site, agency, NOW + month * 28 * DAY)
        held = ring(site, agency, block)
        for day in range(month * 28, month * 28 + 60, 7):
            at = instant(NOW + day * DAY)
            assert held.current("wrap", at) != held.current("salt", at)
            assert held.current("sign", at).starts <= at
    algorithms = {key.algorithm for key in held.keys if key.purpose in ("sign", "wrap")}
    assert algorithms == ({"ecdsa-p256", "ecdh-p256"} if agency == OSAKA else {"ed25519", "x25519"})


def test_a_second_run_makes_nothing(site: Installation) -> None:
    """In the same month neither key nor record, however often; in the next, one month more."""
    made = renewal.renew(site, TOKYO, NOW)
    assert kinds(made) == [("wrap", "2027-01-01", "2027-02-01"), ("salt", "2027-01-01", "2027-02-01")]
    before = _files(site)
    assert renewal.renew(site, TOKYO, NOW + 6 * DAY) == []
    assert _files(site) == before
    assert kinds(renewal.renew(site, TOKYO, NOW + 7 * DAY)) == [
        ("wrap", "2027-02-01", "2027-03-01"),
        ("salt", "2027-02-01", "2027-03-01"),
    ]


def test_what_is_made_is_signed_and_verifies(site: Installation) -> None:
    """Every public key has its record, and a table takes all of them; what was there before stays byte for byte."""
    rings_before, before = {key.kid for key in ring(site).keys}, _files(site)
    renewal.renew(site, TOKYO, NOW, ["sign", "assertion"])
    table = table_of(site, NOW)
    assert table.ignoring.counts == {}
    for key in held_keys(site, TOKYO):
        assert (key.kid in table.keys) == (key.purpose in ("sign", "wrap", "assertion", "answer"))
    assert rings_before < {key.kid for key in ring(site).keys}
    assert {name: data for name, data in _files(site).items() if name in before and name.startswith("key_")} == {
        name: data for name, data in before.items() if name.startswith("key_")
    }


def test_a_record_that_was_lost_is_signed_again(site: Installation) -> None:
    """After a crash between ring and record the next run completes it, with the same key id."""
    renewal.renew(site, TOKYO, NOW)
    lost = [site.records / f"key_{TOKYO}_{key.kid}" for key in ring(site).keys if key.purpose == "wrap"]
    before = {file: file.read_bytes() for file in lost}
    for file in lost:
        file.unlink()
    assert renewal.renew(site, TOKYO, NOW + DAY) == []
    assert {file: file.read_bytes() for file in lost} == before


def test_a_draft_is_not_published(site: Installation) -> None:
    """What a crash leaves half-written stands in no publication's way."""
    before = published_files(site)
    (site.records / ".key_131016_x.0badcafe").write_text('{"pla')
    assert published_files(site) == before


def test_whose_root_is_elsewhere_has_nothing_renewed(site: Installation) -> None:
    """Its records could not be signed."""
    with pytest.raises(InstallationError, match="agency 401307 has no keys here"):
        renewal.renew(site, "401307", NOW)


# --- Rotation


def test_a_new_signing_key_is_used_after_the_overlap(site: Installation) -> None:
    """Its record holds at once; it signs from ten minutes on; the old one stays valid for what it has signed."""
    [old] = [key for key in ring(site).keys if key.purpose == "sign"]
    new = next(key for key in renewal.renew(site, TOKYO, NOW, ["sign"]) if key.purpose == "sign")
    table, ten = table_of(site, NOW), timedelta(minutes=10)
    for at, signs in ((NOW, old), (NOW + ten - timedelta(milliseconds=1), old), (NOW + ten, new), (NOW + DAY, new)):
        assert signing_key(ring(site), "sign", instant(at), table, {}) == signs
        assert all(table.keys[key.kid].valid(instant(at)) for key in (old, new))
    assert states(site, "sign", NOW) == ["current", "coming"]
    assert states(site, "sign", NOW + ten) == ["superseded", "current"]
    assert states(site, "sign", NOW + 365 * DAY) == ["ended", "current"]


def test_a_key_that_stands_ready_is_not_made_again(site: Installation) -> None:
    """`--sign` given twice is one rotation; once that has begun, the next is another."""
    assert "sign" in {key.purpose for key in renewal.renew(site, TOKYO, NOW, ["sign"])}
    assert renewal.renew(site, TOKYO, NOW + timedelta(minutes=9), ["sign"]) == []
    again = renewal.renew(site, TOKYO, NOW + timedelta(minutes=10), ["sign"], timedelta(0))
    assert [key.purpose for key in again] == ["sign"]


def test_the_posting_system_changes_over_by_itself(site: Installation) -> None:
    """Its new key stands beside the old one in the key set, and is used from its beginning on."""
    old = assertion_key(site, TOKYO)
    [new] = [k for k in renewal.renew(site, TOKYO, NOW, ["assertion"]) if k.purpose == "assertion"]
    assert _posting(site) == [old, new]
    assert new.starts == instant(NOW + timedelta(minutes=10))
    assert posting_key(site, TOKYO, instant(NOW + timedelta(minutes=9))) == old
    assert posting_key(site, TOKYO, new.starts) == new
    renewal.renew(site, TOKYO, NOW + DAY, ["assertion"], timedelta(minutes=1))
    assert posting_key(site, TOKYO, instant(NOW + DAY)) == new
    third = renewal.renew(site, OSAKA, NOW, ["assertion"], timedelta(0))[-1]
    assert assertion_key(site, OSAKA) == third


def test_the_hub_rotates_what_it_signs_with(site: Installation) -> None:
    """Its permits have a key of their own, and it posts nothing."""
    assert renewal.rotated_by(HUB, True, False) == ["sign", "permit"]
    assert renewal.rotated_by(TOKYO, True, True) == ["sign", "assertion"]
    assert renewal.rotated_by(TOKYO, False, False) == []
    with pytest.raises(ValueError, match="no posting key"):
        renewal.rotated_by(HUB, False, True)
    made = renewal.renew(site, HUB, NOW, ["sign", "permit"])
    assert {key.purpose for key in made} == {"sign", "permit", "wrap", "salt"}


def test_a_data_key_is_not_renewed(site: Installation) -> None:
    """Everything at rest is under it: both blocks hold the same one after a run as before."""
    before = ring(site, block="intermediate")
    renewal.renew(site, TOKYO, NOW, ["sign", "assertion"])
    assert ring(site, block="intermediate") == before
    assert states(site, "data", NOW) == ["current"]


# --- Revocation


def test_a_revocation_is_a_higher_version(site: Installation) -> None:
    """Signed by the root, taken by every table, and final: revoking again changes nothing."""
    [record] = revocation.by_purpose(site, TOKYO, "sign", NOW)
    revoked = revocation.revoke(site, record, NOW)
    assert (revoked.version, revoked.revoked, revoked.kid) == (2, instant(NOW), record.kid)
    table = table_of(site, NOW)
    assert table.key(record.kid) == revoked
    assert table.ignoring.counts == {}
    [kept] = [one for one in kept_records(site, TOKYO) if one.kid == record.kid]
    assert revocation.revoke(site, kept, NOW + DAY) == kept == revoked
    assert states(site, "sign", NOW) == ["revoked"]
    with pytest.raises(ValueError, match="no valid sign key"):
        revocation.by_purpose(site, TOKYO, "sign", NOW)


def test_what_is_revoked_is_valid_now(site: Installation) -> None:
    """By purpose: the key in use and those before it; one that was made to follow stays."""
    [old] = revocation.by_purpose(site, TOKYO, "sign", NOW)
    new = next(key for key in renewal.renew(site, TOKYO, NOW, ["sign"]) if key.purpose == "sign")
    assert revocation.by_purpose(site, TOKYO, "sign", NOW) == [old]
    found = revocation.by_purpose(site, TOKYO, "sign", NOW + DAY)
    assert {record.kid for record in found} == {old.kid, new.kid}


def test_a_key_is_named_by_the_beginning_of_its_id(site: Installation) -> None:
    """By eight characters at least, and never by guess."""
    for record in kept_records(site):
        assert revocation.by_kid(site, record.kid[:12]) == record
        assert revocation.by_kid(site, record.kid) == record
    salt = next(key for key in ring(site).keys if key.purpose == "salt")
    for name in ("", record.kid[:7], "A" * 43, salt.kid):
        with pytest.raises(ValueError, match="keys have an id that begins with"):
            revocation.by_kid(site, name)


def test_a_revoked_signing_key_is_followed_only_if_asked_for(site: Installation) -> None:
    """Somebody may have meant to stop the agency; `--sign --overlap 0` lets it work again, once that is published."""
    [record] = revocation.by_purpose(site, TOKYO, "sign", NOW)
    revocation.revoke(site, record, NOW)
    assert "sign" not in {key.purpose for key in renewal.renew(site, TOKYO, NOW)}
    assert signing_key(ring(site), "sign", instant(NOW), table_of(site, NOW), {}) is None
    [new] = renewal.renew(site, TOKYO, NOW, ["sign"], timedelta(0))
    assert signing_key(ring(site), "sign", instant(NOW), table_of(site, NOW), {}) == new


def test_a_revoked_wrap_key_is_missing(site: Installation) -> None:
    """The next run makes another for that month, and others seal for that one."""
    [record] = revocation.by_purpose(site, TOKYO, "wrap", NOW)
    revocation.revoke(site, record, NOW)
    assert table_of(site, NOW).current(TOKYO, "wrap", instant(NOW)) is None
    made = {key.kid for key in renewal.renew(site, TOKYO, NOW) if key.starts.startswith("2026-11")}
    found = table_of(site, NOW).current(TOKYO, "wrap", instant(NOW))
    assert found is not None
    assert {found.kid} == made


def test_a_revoked_posting_key_is_given_to_nobody(site: Installation) -> None:
    """Nor is one that was revoked before it began."""
    coming = next(key for key in renewal.renew(site, TOKYO, NOW, ["assertion"]) if key.purpose == "assertion")
    for record in [one for one in kept_records(site, TOKYO) if one.purpose == "assertion"]:
        revocation.revoke(site, record, NOW)
    [new] = renewal.renew(site, TOKYO, NOW, ["assertion"], timedelta(0))
    assert _posting(site) == [new]
    assert coming.kid != new.kid
    assert assertion_key(site, TOKYO) == new


# --- The commands


def test_the_commands_say_what_they_do(tmp_path: Path) -> None:
    """Made, listed, and nothing missing at the second run; a key id in full or a private half is never shown."""
    run, folder = CliRunner(), ["--folder", str(tmp_path)]
    assert run.invoke(app, ["keys", "create", TOKYO, *folder]).exit_code == 0
    first = run.invoke(app, ["keys", "renew", TOKYO, "--sign", *folder]).output
    assert [line.split()[:2] for line in first.splitlines()[:3]] == [
        [TOKYO, "wrap"], [TOKYO, "salt"], [TOKYO, "sign"],
    ]  # fmt: skip
    assert "renkei directory publish" in first
    assert run.invoke(app, ["keys", "renew", TOKYO, "--sign", *folder]).output.strip() == "Nothing is missing."
    shown = run.invoke(app, ["keys", "list", TOKYO, *folder], env={"COLUMNS": "200"}).output
    assert all(word in shown for word in ("current", "coming", "aes-256-gcm", "assertion"))
    for key in held_keys(Installation(tmp_path), TOKYO):
        assert key.kid[:12] in shown
        assert key.private not in first + shown


def test_all_are_renewed_without_being_named(tmp_path: Path) -> None:
    """Every agency whose root key is here, and the hub."""
    run, folder = CliRunner(), ["--folder", str(tmp_path)]
    assert run.invoke(app, ["keys", "create", TOKYO, OSAKA, HUB, *folder]).exit_code == 0
    renewed = run.invoke(app, ["keys", "renew", "--all", "--sign", *folder]).output.splitlines()
    assert {line.split()[0] for line in renewed[:-1]} == {TOKYO, OSAKA, HUB}
    assert run.invoke(app, ["keys", "renew", "--all", "--sign", *folder]).output.strip() == "Nothing is missing."


def test_a_revocation_stands_signed_where_it_cannot_be_published(tmp_path: Path) -> None:
    """Nothing runs here: the record is kept all the same, and the operator is told."""
    create_keys(Installation(tmp_path), [TOKYO], "1", datetime.now(UTC))
    ran = CliRunner().invoke(app, ["keys", "revoke", TOKYO, "--purpose", "sign", "--folder", str(tmp_path)])
    assert "is revoked since" in ran.output
    assert "renkei directory publish" in ran.output
    assert isinstance(ran.exception, InstallationError)
    assert states(Installation(tmp_path), "sign", datetime.now(UTC)) == ["revoked"]


def _files(site: Installation) -> dict[str, bytes]:
    """Rings, posting keys and records, as they stand."""
    folders = (site.records, site.systems, *(path for path in site.keys.iterdir() if path.is_dir()))
    return {file.name: file.read_bytes() for folder in folders for file in folder.iterdir()}


def _posting(site: Installation) -> list[PrivateKey]:
    """The posting keys that Tokyo's system `default` is given."""
    return [key for key in key_sets.read(site, TOKYO, DEFAULT_SYSTEM) if key.purpose == "assertion"]
