"""Keys of agencies are made once: what was broken off is completed, and nothing takes the place of what was lost."""

import asyncio
import itertools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.directory import HUB, RECORDS, Root, signed_record
from schemas.text import to_bytes
from schemas.wire import suites
from services.operator import lifecycle, publication
from services.operator.installation import Installation
from services.operator.keys import enrolment, key_sets, keyrings
from services.operator.keys.enrolment import create_keys, enrolled
from services.operator.keys.keyrings import held_keys
from services.operator.keys.listing import kept_records
from services.operator.local import files
from services.operator.local.error import InstallationError
from services.runtime.errors import Misconfigured

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
TOKYO, OSAKA = "131016", "271004"


class Killed(Exception):
    """The process ends here."""


def killed_after(writes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the file that follows so many."""
    count = itertools.count()

    def replace_file(path: Path, data: bytes) -> None:
        if next(count) == writes:
            raise Killed
        files.replace_file(path, data)

    for module in (enrolment, keyrings, key_sets):
        monkeypatch.setattr(module, "replace_file", replace_file)


def sound(installation: Installation, agency: str) -> bool:
    """Enrolled once, every record signed by that root, and of every published key the private half is held."""
    [root] = [Root.model_validate(one) for one in json.loads(installation.roots.read_text()) if one["agency"] == agency]
    for file in installation.records.glob(f"key_{agency}_*"):
        kept: dict[str, Any] = json.loads(file.read_text())
        record, data = RECORDS.validate_json(to_bytes(kept["record"])), to_bytes(kept["record"])
        suites.verify(root.algorithm, to_bytes(root.key), signed_record(record.type, data), to_bytes(kept["signature"]))
    published = {record.kid for record in kept_records(installation, agency)}
    held = {key.kid for key in held_keys(installation, agency) if key.algorithm in enrolment.PUBLIC}
    return published == held and len(published) > 2


@pytest.mark.parametrize("agency", [HUB, TOKYO])
def test_what_was_broken_off_is_completed(agency: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it ended: the same call makes the rest, and no record is of a key that nobody holds."""
    for writes in itertools.count():
        installation = Installation(tmp_path / str(writes))
        with monkeypatch.context() as patched:
            killed_after(writes, patched)
            try:
                create_keys(installation, [agency, OSAKA], "1", NOW)
            except Killed:
                assert enrolled(installation) == set()
            else:
                break
        create_keys(installation, [agency, OSAKA], "1", NOW)
        assert sound(installation, agency)
        assert sound(installation, OSAKA)
    assert writes >= 15


@pytest.mark.parametrize(("agency", "gone"), [(HUB, "hub/NWS000.ring"), (TOKYO, "intermediate/131016.ring")])
def test_a_lost_root_key_is_not_replaced(agency: str, gone: str, tmp_path: Path) -> None:
    """With a new one new rings would be made: what is sealed, and every link code, is under the old ones."""
    installation = Installation(tmp_path)
    create_keys(installation, [agency], "1", NOW)
    ring = (installation.keys / gone).read_bytes()
    (installation.root_keys / agency).unlink()
    with pytest.raises(ValueError, match="has keys already"):
        create_keys(installation, [agency], "1", NOW)
    files.replace_file(installation.roots, b"[]")
    with pytest.raises(InstallationError, match=rf"{agency} is gone, and .*{agency}\.ring needs it"):
        create_keys(installation, [agency], "1", NOW)
    assert (installation.keys / gone).read_bytes() == ring


def test_a_root_key_that_is_kept_elsewhere_is_no_hindrance(tmp_path: Path) -> None:
    """A start needs none; what has to be signed says which."""
    installation = Installation(tmp_path)
    lifecycle.prepare_hub(installation)
    (installation.root_keys / HUB).unlink()
    lifecycle.prepare_hub(installation)
    with pytest.raises(InstallationError, match="the root key of agency NWS000 is not here"):
        enrolment.read_root(installation, HUB)


def test_the_hub_is_described_however_its_first_start_ended(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    create_keys(installation, [HUB], "1", NOW)
    lifecycle.prepare_hub(installation)
    assert (installation.records / f"agency_{HUB}").exists()


@pytest.mark.parametrize("left", [b"", b"{", b"{}", b"[]", b'{"record": 1}', b'{"record": "e30"}'])
def test_a_record_that_was_cut_off_is_named(left: bytes, tmp_path: Path) -> None:
    """By every command that reads it."""
    installation = Installation(tmp_path)
    create_keys(installation, [TOKYO], "1", NOW)
    file = sorted(installation.records.glob(f"key_{TOKYO}_*"))[0]
    file.write_bytes(left)
    with pytest.raises(Misconfigured, match=rf"{file.name} is no signed record"):
        kept_records(installation, TOKYO)
    if left != b'{"record": "e30"}':  # whose content the hub judges
        with pytest.raises(Misconfigured, match=rf"{file.name} is no signed record"):
            asyncio.run(publication.publish(installation))


def test_an_agency_that_has_keys_gets_no_others(tmp_path: Path) -> None:
    """Nor does anybody who is named beside it."""
    installation = Installation(tmp_path)
    create_keys(installation, [TOKYO, TOKYO], "1", NOW)
    with pytest.raises(ValueError, match=f"agency {TOKYO} has keys already"):
        create_keys(installation, [OSAKA, TOKYO], "1", NOW)
    assert [root["agency"] for root in json.loads(installation.roots.read_text())] == [TOKYO]
    assert not (installation.root_keys / OSAKA).exists()
