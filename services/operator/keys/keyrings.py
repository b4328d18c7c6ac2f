"""The files in which an installation holds an agency's keys: a ring for each block, a key set for each posting system."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from schemas.directory import DEFAULT_SYSTEM, HUB, POSTING
from services.operator.installation import Installation
from services.operator.keys import key_sets
from services.operator.local.files import replace_file
from services.runtime.keys import KeyRings, PrivateKey, Ring, read_key_encryption_key, sealed


def held_keys(installation: Installation, agency: str) -> list[PrivateKey]:
    """Every key of the agency that is held here, once; `Misconfigured` without its rings."""
    secret = read_key_encryption_key(installation.key_encryption_key)
    found: dict[str, PrivateKey] = {}
    for block in _blocks_of(agency):
        found |= KeyRings(installation.keys, secret, block).of(agency).by_kid
    for system in key_sets.systems_here(installation, agency):
        found |= {key.kid: key for key in key_sets.read(installation, agency, system)}
    return list(found.values())


def key_files(installation: Installation, agency: str) -> list[Path]:
    """Those that hold keys of the agency, in the order in which they are written; of an agency that posts the last is the
    key set of its system `default`."""
    rings = [installation.keys / block / f"{agency}.ring" for block in _blocks_of(agency)]
    return rings if agency == HUB else [*rings, key_sets.file_of(installation, agency, DEFAULT_SYSTEM)]


def write_keys(installation: Installation, agency: str, keys: Sequence[PrivateKey]) -> None:
    """Rings and key sets, each file whole or not at all."""
    secret = read_key_encryption_key(installation.key_encryption_key)
    for block, some in _blocks(agency, keys):
        folder = installation.keys / block
        folder.mkdir(mode=0o700, exist_ok=True)
        replace_file(folder / f"{agency}.ring", sealed(Ring(agency=agency, keys=some), secret, block))
    posting = [key for key in keys if key.purpose in POSTING]
    for system in sorted({key.posting_system for key in posting}):
        key_sets.write(installation, agency, system, [key for key in posting if key.posting_system == system])


def _blocks_of(agency: str) -> list[str]:
    return ["hub"] if agency == HUB else ["intermediate", "linkage"]


def _blocks(agency: str, keys: Sequence[PrivateKey]) -> Iterator[tuple[str, list[PrivateKey]]]:
    """Which block holds which key (architecture section 2): data both, sign, wrap and salt linkage alone."""
    if agency == HUB:
        yield "hub", list(keys)
    else:
        yield "intermediate", [key for key in keys if key.purpose == "data"]
        yield "linkage", [key for key in keys if key.purpose in ("data", "sign", "wrap", "salt")]
