"""The files in which an installation holds an agency's keys: a ring for each block, and what its posting systems are given.

`secrets/systems/CODE` is the posting key of now; `CODE.next` stands beside it while a later one has yet to begin.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from schemas.directory import HUB
from schemas.text import instant
from services.operator.installation import Installation
from services.operator.local.files import replace_file
from services.runtime.keys import KeyRings, PrivateKey, Ring, read_key_encryption_key, sealed


def held_keys(installation: Installation, agency: str) -> list[PrivateKey]:
    """Every key of the agency that is held here, once; `Misconfigured` without its rings."""
    secret = read_key_encryption_key(installation.key_encryption_key)
    found: dict[str, PrivateKey] = {}
    for block in _blocks_of(agency):
        found |= KeyRings(installation.keys, secret, block).of(agency).by_kid
    for file in posting_files(installation, agency):
        if file.exists():
            key = PrivateKey.model_validate_json(file.read_bytes())
            found[key.kid] = key
    return list(found.values())


def key_files(installation: Installation, agency: str) -> list[Path]:
    """Those that hold keys of the agency, in the order in which they are written; of an agency that posts the last is its
    posting key's."""
    rings = [installation.keys / block / f"{agency}.ring" for block in _blocks_of(agency)]
    return rings if agency == HUB else [*rings, installation.systems / agency]


def write_keys(installation: Installation, agency: str, keys: Sequence[PrivateKey], now: datetime) -> None:
    """Rings and posting keys, each file whole or not at all."""
    secret = read_key_encryption_key(installation.key_encryption_key)
    for block, some in _blocks(agency, keys):
        folder = installation.keys / block
        folder.mkdir(mode=0o700, exist_ok=True)
        replace_file(folder / f"{agency}.ring", sealed(Ring(agency=agency, keys=some), secret, block))
    posting = sorted((key for key in keys if key.purpose == "assertion"), key=lambda key: key.starts)
    if posting:
        _write_posting(installation, agency, posting, instant(now))


def _blocks_of(agency: str) -> list[str]:
    return ["hub"] if agency == HUB else ["intermediate", "linkage"]


def _blocks(agency: str, keys: Sequence[PrivateKey]) -> Iterator[tuple[str, list[PrivateKey]]]:
    """Which block holds which key (architecture section 2): data both, sign, wrap and salt linkage alone."""
    if agency == HUB:
        yield "hub", list(keys)
    else:
        yield "intermediate", [key for key in keys if key.purpose == "data"]
        yield "linkage", [key for key in keys if key.purpose in ("data", "sign", "wrap", "salt")]


def _write_posting(installation: Installation, agency: str, keys: Sequence[PrivateKey], now: str) -> None:
    """The one that began last, and beside it the first that has yet to begin."""
    file, following = posting_files(installation, agency)
    begun = [key for key in keys if key.starts <= now]
    coming = [key for key in keys if key.starts > now]
    replace_file(file, (begun or coming)[-1 if begun else 0].encoded())
    if begun and coming:
        replace_file(following, coming[0].encoded())
    else:
        following.unlink(missing_ok=True)


def posting_files(installation: Installation, agency: str) -> tuple[Path, Path]:
    """The posting key of now, and the one that follows it; either may be missing."""
    return installation.systems / agency, installation.systems / f"{agency}.next"
