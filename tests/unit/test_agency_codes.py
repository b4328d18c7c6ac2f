"""A code of an agency is checked before any command does anything with it; an agency enrolled by mistake can be removed."""

import itertools
import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer.main
from hypothesis import given
from hypothesis import strategies as st
from typer.core import TyperGroup

from schemas.agencies import checked
from schemas.directory import HUB
from services.operator import command
from services.operator.agencies import local_governments, require_known
from services.operator.installation import Installation
from services.operator.keys import enrolment, removal
from services.operator.keys.enrolment import create_keys, enrolled
from services.operator.local.error import InstallationError
from tests.unit.test_enrolment import sound

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
TOKYO, OSAKA = "131016", "271004"
TAKES_CODES = {"code", "codes", "sender", "receiver"}


def every_command(group: TyperGroup | None = None, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], list[str]]:
    """Every command and group with the names of its parameters."""
    found: dict[tuple[str, ...], list[str]] = {path: []}
    for name, one in (group or root()).commands.items():
        inner = (*path, name)
        found |= (
            every_command(one, inner) if isinstance(one, TyperGroup) else {inner: [str(p.name) for p in one.params]}
        )
    return found


def root() -> TyperGroup:
    """The command `renkei`."""
    found = typer.main.get_command(command.app)
    assert isinstance(found, TyperGroup)
    return found


COMMANDS = {
    path: codes
    for path, names in every_command().items()
    if (codes := [name for name in names if name in TAKES_CODES]) and path[0] != "traffic"
}
"""Those that take codes of agencies, with those arguments; `traffic` looks codes up in its own list."""


def test_many_commands_take_codes() -> None:
    """The next test is about all of them."""
    assert {("keys", "create"), ("keys", "remove"), ("directory", "describe"), ("staff", "load"), ("inquire",)} <= {
        *COMMANDS
    }
    assert len(COMMANDS) >= 10


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("../../evil", "code 1: a local government code is six digits: five and a check digit"),
        ("22130", "code 1: a local government code is six digits: five and a check digit"),
        ("221308", "code 1: the check digit of 221308 should be 9: look for a typing error"),
        ("999997", "code 1: 999997 is no municipality and no prefecture, and no agency of this code is enrolled here"),
    ],
)
def test_every_command_refuses_a_code_that_is_none(
    path: tuple[str, ...],
    code: str,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In one line with the reason and status 2; nothing is written, not even the installation's folder."""
    folder = tmp_path / "inner" / "installation"
    monkeypatch.setattr(sys, "argv", ["renkei", *path, *[code] * len(COMMANDS[path]), "--folder", str(folder)])
    with pytest.raises(SystemExit, match="2"):
        command.main()
    assert capsys.readouterr().err == f"renkei: {reason}\n"
    assert [*tmp_path.iterdir()] == []


def test_all_codes_of_a_call_are_checked_first(tmp_path: Path) -> None:
    """Each wrong one is named with its place; for the right one among them nothing is made."""
    with pytest.raises(ValueError, match=r"code 2: the check digit of 221308 should be 9.*; code 3: .* six digits"):
        create_keys(Installation(tmp_path / "new"), [TOKYO, "221308", "22130"], "1", NOW)
    assert [*tmp_path.iterdir()] == []


def test_a_purpose_is_revoked_of_a_known_agency(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A code that is a pattern of file names matches nothing."""
    Installation(tmp_path).prepare()
    monkeypatch.setattr(sys, "argv", ["renkei", "keys", "revoke", "*", "--purpose", "sign", "--folder", str(tmp_path)])
    with pytest.raises(SystemExit, match="2"):
        command.main()


@given(
    st.text(max_size=16) | st.from_regex(r"[0-9]{6}", fullmatch=True) | st.from_regex(r"[./0-9]{1,12}", fullmatch=True)
)
def test_what_is_no_agency_is_written_nowhere(code: str) -> None:
    """Unless it is an agency of the list nothing is left behind; text that is no code is not repeated."""
    known = {*local_governments(), HUB}
    if code in known:
        return require_known([code])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "a" / "b"
        with pytest.raises(ValueError, match=r"^code 1: ") as refused:
            create_keys(Installation(folder), [code], "1", NOW)
        assert [*Path(name).iterdir()] == []
    assert len(code) < 8 or code not in str(refused.value)
    return None


@pytest.mark.parametrize("place", range(6))
@given(code=st.sampled_from(sorted(local_governments())), digit=st.sampled_from("0123456789"))
def test_one_wrong_digit_is_never_another_shape(place: int, code: str, digit: str) -> None:
    """A code with one digit changed is refused, or is the code of another agency of the list."""
    typed = code[:place] + digit + code[place + 1 :]
    if typed in local_governments():
        assert checked(typed) == typed
    else:
        with pytest.raises(ValueError, match="code 1: "):
            require_known([typed])


def test_an_enrolled_agency_of_another_class_is_known() -> None:
    """The list of local governments does not hold it: its root, once enrolled, does."""
    with pytest.raises(ValueError, match="code 1: "):
        require_known(["1234567890123"])
    require_known(["1234567890123"], {"1234567890123"})


# --- Removing


@pytest.fixture
def unpublished(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a hub had been asked; `test_keys` of the integration tests asks a real one."""

    async def never(*_: object) -> bool:
        return False

    monkeypatch.setattr(removal, "_is_published", never)


def of(installation: Installation, agency: str) -> list[Path]:
    """Every file that names the agency."""
    return [path for path in installation.folder.rglob("*") if agency in path.name]


@pytest.mark.usefixtures("unpublished")
async def test_an_agency_is_removed_whole(tmp_path: Path) -> None:
    """Root, rings, posting key and records; other agencies keep theirs, and it can be made again."""
    installation = Installation(tmp_path)
    create_keys(installation, [HUB, TOKYO, OSAKA], "1", NOW)
    others = {path: path.read_bytes() for path in of(installation, OSAKA)}
    await removal.remove(installation, TOKYO)
    assert of(installation, TOKYO) == []
    assert enrolled(installation) == {HUB, OSAKA}
    assert {path: path.read_bytes() for path in of(installation, OSAKA)} == others
    create_keys(installation, [TOKYO], "1", NOW)
    assert sound(installation, TOKYO)


@pytest.mark.usefixtures("unpublished")
@pytest.mark.parametrize("again", ["remove", "create"])
async def test_a_removal_that_broke_off(again: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever file was the last: the same command completes it, and `keys create` makes a sound agency of what is left."""
    unlink = Path.unlink
    for after in itertools.count():
        installation = Installation(tmp_path / str(after))
        create_keys(installation, [HUB, TOKYO], "1", NOW)
        count = itertools.count()

        def failing(path: Path, missing_ok: bool = False, limit: int = after, count: Iterator[int] = count) -> None:
            if next(count) == limit:
                raise OSError
            unlink(path, missing_ok)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "unlink", failing)
            try:
                await removal.remove(installation, TOKYO)
            except OSError:
                assert TOKYO not in enrolled(installation)
            else:
                break
        if again == "remove":
            await removal.remove(installation, TOKYO)
            assert of(installation, TOKYO) == []
        else:
            create_keys(installation, [TOKYO], "1", NOW)
            assert sound(installation, TOKYO)
    assert after >= 8


async def test_nothing_is_removed_while_nobody_can_say_what_is_published(tmp_path: Path) -> None:
    """PostgreSQL is not running here; the hub, and an agency that has nothing, are refused before that is asked."""
    installation = Installation(tmp_path)
    create_keys(installation, [HUB, TOKYO], "1", NOW)
    before = {path: path.read_bytes() for path in of(installation, TOKYO)}
    with pytest.raises(InstallationError, match="postgres is not running"):
        await removal.remove(installation, TOKYO)
    with pytest.raises(ValueError, match="the hub's keys are never removed"):
        await removal.remove(installation, HUB)
    with pytest.raises(ValueError, match=f"agency {OSAKA} has no keys here"):
        await removal.remove(installation, OSAKA)
    assert {path: path.read_bytes() for path in of(installation, TOKYO)} == before
    assert TOKYO in {root["agency"] for root in json.loads(installation.roots.read_text())}
    assert enrolment.read_root(installation, TOKYO).agency == TOKYO
