"""The private keys of a posting system as a file: a JWK set (RFC 7517) that its own JOSE library reads.

`secrets/systems/CODE.NAME.json`. Each key has `nbf` and `exp`, seconds since 1970: a system signs with the key of use `sig`
that began last, and keeps every key of use `enc`, since answers on the log may be sealed to an older one.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from schemas.directory import DEFAULT_SYSTEM
from schemas.jwk import CURVES, members
from schemas.text import instant, moment
from schemas.wire import suites
from services.operator.installation import Installation
from services.operator.local.files import replace_file
from services.runtime.errors import Misconfigured
from services.runtime.keys import PrivateKey

ENDING: Final = ".json"


def file_of(installation: Installation, agency: str, system: str) -> Path:
    """Where the key set of a system is."""
    return installation.systems / f"{agency}.{system}{ENDING}"


def systems_here(installation: Installation, agency: str) -> list[str]:
    """The agency's systems whose private keys are here."""
    found = {file.name[len(agency) + 1 : -len(ENDING)] for file in installation.systems.glob(f"{agency}.*{ENDING}")}
    if any(file.exists() for file in _earlier(installation, agency)):
        found.add(DEFAULT_SYSTEM)
    return sorted(found)


def files(installation: Installation, agency: str) -> list[Path]:
    """Every file here that holds keys of the agency's systems."""
    found = [*sorted(installation.systems.glob(f"{agency}.*{ENDING}")), *_earlier(installation, agency)]
    return [file for file in found if file.exists()]


def read(installation: Installation, agency: str, system: str) -> list[PrivateKey]:
    """The keys of a system by their beginning; none where it has no file here."""
    file = file_of(installation, agency, system)
    if file.exists():
        return sorted(_keys(file, agency, system), key=lambda key: key.starts)
    earlier = _earlier(installation, agency) if system == DEFAULT_SYSTEM else []
    return [PrivateKey.model_validate_json(file.read_bytes()) for file in earlier if file.exists()]


def write(installation: Installation, agency: str, system: str, keys: Sequence[PrivateKey]) -> None:
    """The keys of a system, the file whole or not at all."""
    ordered = sorted(keys, key=lambda key: (key.purpose, key.starts))
    stored = {"agency": agency, "system": system, "keys": [_jwk(key) for key in ordered]}
    replace_file(file_of(installation, agency, system), json.dumps(stored, indent=1).encode())
    for file in _earlier(installation, agency) if system == DEFAULT_SYSTEM else []:
        file.unlink(missing_ok=True)


def _earlier(installation: Installation, agency: str) -> list[Path]:
    """Before there were several systems: the posting key of now, and one that had yet to begin."""
    return [installation.systems / agency, installation.systems / f"{agency}.next"]


def _jwk(key: PrivateKey) -> dict[str, str | int]:
    public = members(key.algorithm, suites.public_of(key.algorithm, key.secret))
    return {**public, "kid": key.kid, "nbf": _seconds(key.starts), "exp": _seconds(key.until), "d": key.private}


def _keys(file: Path, agency: str, system: str) -> list[PrivateKey]:
    """`Misconfigured`, which names the file, where it is something else."""
    try:
        return [_key(entry, agency, system) for entry in json.loads(file.read_bytes())["keys"]]
    except (ValueError, KeyError, TypeError) as error:
        raise Misconfigured(
            f"{file} is not the key set of a posting system ({type(error).__name__}): restore it from the backup"
        ) from None


def _key(entry: dict[str, Any], agency: str, system: str) -> PrivateKey:
    purpose, algorithm = CURVES[entry["use"], entry["kty"], entry["crv"]]
    return PrivateKey(
        agency=agency,
        purpose=purpose,
        algorithm=algorithm,
        kid=entry["kid"],
        private=entry["d"],
        starts=instant(datetime.fromtimestamp(entry["nbf"], UTC)),
        until=instant(datetime.fromtimestamp(entry["exp"], UTC)),
        system=None if system == DEFAULT_SYSTEM else system,
    )


def _seconds(at: str) -> int:
    return int(moment(at).timestamp())
