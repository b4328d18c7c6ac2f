"""Posting systems (業務システム): their public keys are enrolled, made here or by a vendor, and revoked together."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from schemas.directory import DEFAULT_SYSTEM, POSTING, KeyRecord, Purpose, key_id
from schemas.jwk import PublicKey, read_public
from schemas.text import instant, to_text
from services.operator.installation import Installation
from services.operator.keys import key_sets, renewal, revocation
from services.operator.keys.enrolment import YEAR, keep_record, key_record, read_root, system_keys
from services.operator.keys.listing import Listed, kept_records, listed
from services.operator.local.files import settle
from services.runtime.keys import PrivateKey

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
CODE: Final = re.compile(r"[0-9A-Z]{6,13}")


def check_names(agency: str, system: str) -> None:
    """ValueError where one is no code of an agency, or no name of a system."""
    if not CODE.fullmatch(agency):
        raise ValueError("the agency's code is expected to be 6 to 13 digits and capital letters, such as 221309")
    if not NAME.fullmatch(system):
        raise ValueError(
            "the system's name is expected to be 1 to 32 lower-case letters, digits and hyphens, such as tax-office"
        )


def create(installation: Installation, agency: str, system: str, suite: str, now: datetime) -> Path:
    """Makes both keys of a new system, enrols their public halves and returns the file with the private ones."""
    check_names(agency, system)
    root, file = read_root(installation, agency), key_sets.file_of(installation, agency, system)
    if system in key_sets.systems_here(installation, agency) or _records(installation, agency, system):
        raise ValueError(
            f"system {system} of agency {agency} has keys already: "
            f"`renkei system renew {agency} {system}` makes others that follow, and signs records that are missing"
        )
    made = [one.private for one in system_keys(agency, system, suite, now)]
    key_sets.write(installation, agency, system, made)
    settle()
    for key in made:
        keep_record(installation, key_record(key, key.starts), root)
    return file


def enroll(installation: Installation, agency: str, system: str, data: bytes, now: datetime) -> list[KeyRecord]:
    """Enrols the keys of a public JWK set that are new, and returns their records; the others stay as they are."""
    check_names(agency, system)
    root = read_root(installation, agency)
    known = {record.kid: record for record in kept_records(installation, agency)}
    new: list[KeyRecord] = []
    for place, key in enumerate(read_public(data)):
        record = _record(agency, system, key, now)
        if record.kid in known:
            _check_known(f"keys[{place}]", known[record.kid], system)
        elif any(one.purpose == record.purpose for one in new):
            raise ValueError(f"keys[{place}]: the second new key of its use. Enrol one of each use at a time")
        else:
            new.append(record)
    for record in new:
        keep_record(installation, record, root)
    return new


def renew(installation: Installation, agency: str, system: str, now: datetime, overlap: int) -> list[PrivateKey]:
    """Makes keys that follow those of a system whose private keys are here, used after `overlap` minutes."""
    check_names(agency, system)
    if system not in key_sets.systems_here(installation, agency):
        raise ValueError(
            f"the private keys of system {system} are not here: it makes new ones itself, and "
            f"`renkei system enroll {agency} {system} FILE` enrols them"
        )
    asked: list[Purpose] = ["assertion", "answer"]
    return renewal.renew(installation, agency, now, asked, timedelta(minutes=overlap), {system})


def remove(installation: Installation, agency: str, system: str, now: datetime) -> list[KeyRecord]:
    """Revokes every key of a system and returns their records."""
    check_names(agency, system)
    records = _records(installation, agency, system)
    if not records:
        raise ValueError(f"agency {agency} has no system {system}: see `renkei system list {agency}`")
    return [revocation.revoke(installation, record, now) for record in records]


def of_systems(installation: Installation, agency: str, now: datetime) -> Sequence[Listed]:
    """The keys of an agency's systems, system by system."""
    found = [one for one in listed(installation, agency, now) if one.system]
    return sorted(found, key=lambda one: (one.system, one.purpose, one.starts))


def without_answers(found: Sequence[Listed]) -> list[str]:
    """The systems that post and have no answer key to seal to."""
    able = {
        purpose: {one.system for one in found if (one.purpose, one.state) == (purpose, "current")}
        for purpose in POSTING
    }
    return sorted(able["assertion"] - able["answer"])


def _record(agency: str, system: str, key: PublicKey, now: datetime) -> KeyRecord:
    return KeyRecord(
        agency=agency,
        version=1,
        kid=key_id(agency, key.purpose, key.algorithm, key.public),
        purpose=key.purpose,
        algorithm=key.algorithm,
        key=to_text(key.public),
        starts=instant(now),
        until=instant(now + YEAR),
        system=None if system == DEFAULT_SYSTEM else system,
    )


def _check_known(where: str, record: KeyRecord, system: str) -> None:
    if record.posting_system != system:
        raise ValueError(f"{where}: the key is that of system {record.posting_system}. Each system has keys of its own")
    if record.revoked is not None:
        raise ValueError(f"{where}: the key is revoked, which is final. Make another")


def _records(installation: Installation, agency: str, system: str) -> list[KeyRecord]:
    records = [record for record in kept_records(installation, agency) if record.purpose in POSTING]
    return [record for record in records if record.posting_system == system]
