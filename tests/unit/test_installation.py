"""What an installation makes for itself, and what it refuses to make anew."""

import asyncio
import threading
from pathlib import Path

import pytest

from schemas.quarantine import OperatorKey
from services.operator.installation import WAITING, Installation
from services.operator.local.error import InstallationError
from services.runtime.quarantine import FILE, read_key
from tests.waiting import until


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    made = Installation(tmp_path / "installation")
    made.prepare()
    return made


def test_preparing_again_changes_nothing(installation: Installation) -> None:
    before = {path: path.read_bytes() for path in installation.folder.rglob("*") if path.is_file()}
    installation.prepare()
    assert before == {path: path.read_bytes() for path in installation.folder.rglob("*") if path.is_file()}
    assert len(before) >= 5


def test_a_key_under_which_nothing_was_sealed_is_made_anew(installation: Installation) -> None:
    installation.key_encryption_key.unlink()
    installation.prepare()
    assert len(installation.key_encryption_key.read_bytes()) == 32


def test_a_key_under_which_rings_are_sealed_is_not(installation: Installation) -> None:
    """A new one would hide that the old one is missing, until the first service starts."""
    (installation.keys / "linkage").mkdir()
    (installation.keys / "linkage" / "131016.ring").write_bytes(b"sealed")
    installation.key_encryption_key.unlink()
    with pytest.raises(InstallationError, match=r"key-encryption-key is gone, and .*131016\.ring needs it: restore it"):
        installation.prepare()
    assert not installation.key_encryption_key.exists()


def test_enrolled_roots_are_not_made_anew(installation: Installation) -> None:
    """Those of other operators would be gone without a word."""
    (installation.root_keys / "131016").write_bytes(b"root")
    installation.roots.unlink()
    with pytest.raises(InstallationError, match=r"roots\.json is gone, and .*131016 needs it"):
        installation.prepare()
    assert not installation.roots.exists()


def test_one_command_at_a_time(installation: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    """A second one waits, and says so."""
    order: list[str] = []

    def second() -> None:
        with installation.alone():
            order.append("second")

    with installation.alone():
        waiting = threading.Thread(target=second)
        waiting.start()
        said = asyncio.run(until(lambda: capsys.readouterr().err))
        order.append("first")
    waiting.join()
    assert said == WAITING
    assert order == ["first", "second"]


def test_the_half_that_opens_what_was_set_aside_is_not_made_anew(installation: Installation) -> None:
    installation.quarantine_key.unlink()
    with pytest.raises(InstallationError, match=r"quarantine is gone, and .*quarantine\.json needs it"):
        installation.prepare()


def test_the_half_that_services_have_is(installation: Installation) -> None:
    """It follows from the operator's."""
    (installation.keys / FILE).unlink()
    installation.prepare()
    held = OperatorKey.model_validate_json(installation.quarantine_key.read_bytes())
    assert read_key(installation.keys) == held.public


def test_what_the_operator_sets_reaches_the_processes(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their settings, and nothing else of the environment."""
    monkeypatch.setenv("RENKEI_POSTGRES", "postgresql://owner:secret@127.0.0.1:1/postgres")
    monkeypatch.setenv("RENKEI_GRACE", "7")
    monkeypatch.setenv("RENKEI_FOLDER", "elsewhere")
    told = installation.environment(0, "127.0.0.1:2")
    assert told["RENKEI_GRACE"] == "7"
    assert told["RENKEI_POSTGRES"] == "postgresql://127.0.0.1:1/postgres"
    assert "RENKEI_FOLDER" not in told
    assert "RENKEI_PATIENCE" not in told
