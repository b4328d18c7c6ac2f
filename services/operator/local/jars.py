"""The broker's jar files are fetched once, and are exactly those whose checksums are in `deploy/local/jars.sha256`."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from services.operator.local.error import InstallationError
from services.operator.local.lock import locked
from services.operator.local.terminal import show_any_character

CHECKOUT = Path(__file__).resolve().parents[3]
DEPLOYMENT = CHECKOUT / "deploy" / "local"
LIBRARIES = CHECKOUT / "build" / "kafka-libs"
STAMP = "complete"
INSTALL = "On Debian: apt-get install openjdk-17-jre-headless maven. On macOS: brew install openjdk maven."


def fetch_jars(libraries: Path = LIBRARIES) -> Path:
    """Fetches the jars with Maven, unless all of this list are there; several callers fetch once. Returns the folder.

    Raises InstallationError where Maven is missing or fails, a jar is not the one that we checked, or this user may not
    write there. Where all jars are there nothing is written: the checkout may be another user's.
    """
    checksums = (DEPLOYMENT / "jars.sha256").read_text()
    if _is_complete(libraries, checksums):
        return libraries
    try:
        with locked(libraries.with_suffix(".lock")):
            if not _is_complete(libraries, checksums):
                _fetch(libraries, checksums)
    except PermissionError as error:
        raise InstallationError(
            f"Kafka's jars are missing or damaged, and this user may not write {error.filename}. "
            "Let the owner of the checkout fetch them: make kafka."
        ) from None
    return libraries


def _is_complete(libraries: Path, checksums: str) -> bool:
    """Whether the list is the one that was fetched, and every jar is as it says, no more, no less."""
    stamp = libraries / STAMP
    return stamp.exists() and stamp.read_text() == checksums and not _differing(libraries, checksums)


def _fetch(libraries: Path, checksums: str) -> None:
    partial = libraries.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    _copy_dependencies(partial)
    _verify(partial, checksums)
    (partial / STAMP).write_text(checksums)
    shutil.rmtree(libraries, ignore_errors=True)
    partial.rename(libraries)


def find_java() -> Path:
    """The java command: of JAVA_HOME, else of PATH. Kafka 4 needs Java 17 (KIP-1013)."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin" if home else None)
    version = _java_version(found) if found else "none"
    if not found or not re.match(r"(1[7-9]|[2-9]\d)\b", version):
        raise InstallationError(f"Java 17 or newer is needed to run Kafka; found: {version}. {INSTALL}")
    return Path(found)


def _java_version(java: str) -> str:
    done = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    match = re.search(r'version "([^"]+)"', done.stderr)
    return match.group(1) if match else "unknown"


def _copy_dependencies(folder: Path) -> None:
    find_java()
    maven = shutil.which("mvn")
    if not maven:
        raise InstallationError(f"Maven (mvn) is needed once, to fetch Kafka. {INSTALL}")
    command = [maven, "-q", "-B", "-f", str(DEPLOYMENT / "pom.xml")]
    command += ["dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise InstallationError(f"Maven could not fetch Kafka:\n{done.stdout}")


def _verify(folder: Path, checksums: str) -> None:
    if differing := _differing(folder, checksums):
        raise InstallationError(
            f"Maven fetched other jars than deploy/local/jars.sha256 lists: {', '.join(dict.fromkeys(differing))}."
            f" They are in {folder}. If the pom was changed on purpose, write the list anew (see deploy/local/README.md)."
        )


def _differing(folder: Path, checksums: str) -> list[str]:
    expected = {name: checksum for checksum, name in map(str.split, checksums.splitlines())}
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in folder.glob("*.jar")}
    return sorted(name for name, _ in expected.items() ^ found.items())


def main() -> None:
    """`make kafka`."""
    show_any_character(sys.stdout, sys.stderr)
    try:
        print(f"Kafka is in {fetch_jars()}.")
    except InstallationError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
