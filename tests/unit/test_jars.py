"""Who starts Kafka needs to write nothing where all jars are there: the checkout may be root's."""

import hashlib
import os
from pathlib import Path

import pytest

from services.operator.local import jars
from services.operator.local.error import InstallationError


@pytest.fixture
def libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One jar that is on the list, and its stamp."""
    checksums = f"{hashlib.sha256(b'jar').hexdigest()}  a.jar\n"
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "jars.sha256").write_text(checksums)
    monkeypatch.setattr(jars, "DEPLOYMENT", tmp_path / "deploy")
    folder = tmp_path / "build" / "kafka-libs"
    folder.mkdir(parents=True)
    (folder / "a.jar").write_bytes(b"jar")
    (folder / jars.STAMP).write_text(checksums)
    return folder


def denied(*_: object) -> None:
    raise PermissionError(13, "Permission denied", "kafka-libs.lock")


def test_no_lock_where_all_is_there(libraries: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written, nor tried to be."""
    monkeypatch.setattr(jars, "locked", denied)
    assert jars.fetch_jars(libraries) == libraries
    assert [path.name for path in libraries.parent.iterdir()] == ["kafka-libs"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_finds_all_jars(libraries: Path) -> None:
    """In a folder in which this user may not write; asked of the kernel."""
    for folder in (libraries, *libraries.parents):
        if folder.owner() == "root" and "pytest" in str(folder):
            folder.chmod(0o755)
    child = os.fork()
    if not child:
        try:
            os.setresuid(65534, 65534, 65534)
            jars.fetch_jars(libraries)
            os._exit(0)
        except BaseException:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("how", ["changed", "missing", "more", "another list"])
def test_damage_is_found_without_a_lock_too(how: str, libraries: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the jars have to be fetched, and who may not is told who can."""
    match how:
        case "changed":
            (libraries / "a.jar").write_bytes(b"other")
        case "missing":
            (libraries / "a.jar").unlink()
        case "more":
            (libraries / "b.jar").write_bytes(b"")
        case _:
            (libraries / jars.STAMP).write_text("")
    monkeypatch.setattr(jars, "locked", denied)
    with pytest.raises(InstallationError, match=r"jars are missing or damaged, .*kafka-libs\.lock\. Let the owner"):
        jars.fetch_jars(libraries)
