"""An agency's keys: its root, key rings for the two blocks, the keys of its posting systems, and signed key records."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

from schemas.directory import (
    DEFAULT_SYSTEM,
    HUB,
    AnyRecord,
    KeyRecord,
    Purpose,
    Root,
    key_id,
    place,
    possession,
    signed_record,
    signer_of,
)
from schemas.text import instant, to_bytes, to_text
from schemas.wire import suites
from schemas.wire.frame import digest
from services.operator.agencies import require_known
from services.operator.installation import Installation
from services.operator.keys import key_sets
from services.operator.keys.keyrings import held_keys, key_files, write_keys
from services.operator.local.error import InstallationError
from services.operator.local.files import replace_file, require_none, settle
from services.operator.tables import now as present
from services.runtime.errors import Misconfigured, MissingKey
from services.runtime.keys import PrivateKey

YEAR: Final = timedelta(days=365)
SEALING_MONTHS: Final = 2
"""Wrap and salt keys are made for this month and the next; each lives one (message.md section 3). `renewal` makes more."""

PUBLIC: Final = frozenset({*suites.SIGNATURES.values(), *suites.EXCHANGES.values()})
"""Algorithms whose keys have a public half, and so a record."""


@dataclass(frozen=True)
class RootKey:
    """An agency's root key, with which its directory records are signed."""

    agency: str
    algorithm: suites.Algorithm
    private: bytes

    def enrolled(self) -> Root:
        """The public half with its proof of possession."""
        public = suites.public_of(self.algorithm, self.private)
        proof = suites.sign(self.algorithm, self.private, possession(self.agency, self.algorithm, public))
        return Root(agency=self.agency, algorithm=self.algorithm, key=to_text(public), proof=to_text(proof))


@dataclass(frozen=True)
class Made:
    """A private key, and its record if it has a public half."""

    private: PrivateKey
    record: KeyRecord | None


def create_keys(
    installation: Installation,
    agencies: Sequence[str],
    suite: str,
    now: datetime,
    step: Callable[[], object] = lambda: None,
) -> None:
    """Keys for agencies that have none yet: root, rings, signed records, and in the end the list of enrolled roots.

    ValueError, and nothing written, where one of the codes is not known or has keys already. A call that broke off before
    that list was written is completed by the same call; InstallationError where a root key is gone and keys of its agency
    are not. `step` is called after each agency."""
    require_known(agencies, enrolled(installation))
    installation.prepare()
    roots = json.loads(installation.roots.read_text())
    if there := enrolled(installation) & {*agencies}:
        raise ValueError(f"agency {min(there)} has keys already")
    for agency in dict.fromkeys(agencies):
        root = _root(installation, agency, suite)
        for key in _keys(installation, agency, suite, now):
            if key.algorithm in PUBLIC:
                keep_record(installation, key_record(key, key.starts), root)
        roots.append(root.enrolled().model_dump(mode="json"))
        step()
    settle()
    replace_file(installation.roots, json.dumps(roots, indent=1).encode())
    settle()


def _root(installation: Installation, agency: str, suite: str) -> RootKey:
    """The one that was made by a call that was broken off, or a new one."""
    file = installation.root_keys / agency
    if file.exists():
        return read_root(installation, agency)
    require_none(file, (ring for ring in key_files(installation, agency) if ring.exists()))
    root = RootKey(agency, suites.SIGNATURES[suite], suites.generate(suites.SIGNATURES[suite])[0])
    replace_file(file, json.dumps({"algorithm": root.algorithm, "private": to_text(root.private)}).encode())
    return root


def _keys(installation: Installation, agency: str, suite: str, now: datetime) -> list[PrivateKey]:
    """Likewise: once the last of their files is written, there may be records of them; else there are none."""
    if key_files(installation, agency)[-1].exists():
        return held_keys(installation, agency)
    made = [one.private for one in (hub_keys(suite, now) if agency == HUB else agency_keys(agency, suite, now))]
    write_keys(installation, agency, made)
    return made


def agency_keys(agency: str, suite: str, now: datetime) -> list[Made]:
    """Data, sign, wrap and salt keys of an agency, and those of its posting system `default`."""
    return [
        make_key(agency, "data", "aes-256-gcm", now, now + 10 * YEAR),
        make_key(agency, "sign", suites.SIGNATURES[suite], now, now + YEAR),
        *_monthly(agency, "wrap", suites.EXCHANGES[suite], now),
        *_monthly(agency, "salt", "hmac-sha256", now),
        *system_keys(agency, DEFAULT_SYSTEM, suite, now),
    ]


def system_keys(agency: str, system: str, suite: str, now: datetime) -> list[Made]:
    """Assertion and answer key of a posting system; a key set counts in whole seconds."""
    starts = now.replace(microsecond=0)
    return [
        make_key(agency, "assertion", "ed25519", starts, starts + YEAR, system),
        make_key(agency, "answer", suites.EXCHANGES[suite], starts, starts + YEAR, system),
    ]


def hub_keys(suite: str, now: datetime) -> list[Made]:
    """Permit, wrap, sign, salt and permutation keys of the hub."""
    return [
        make_key(HUB, "sign", suites.SIGNATURES[suite], now, now + YEAR),
        make_key(HUB, "permit", suites.SIGNATURES[suite], now, now + YEAR),
        make_key(HUB, "permutation", "aes-256", now, now + 100 * YEAR),
        *_monthly(HUB, "wrap", suites.EXCHANGES[suite], now),
        *_monthly(HUB, "salt", "hmac-sha256", now),
    ]


def make_key(
    agency: str,
    purpose: Purpose,
    algorithm: suites.Algorithm,
    starts: datetime,
    until: datetime,
    system: str = DEFAULT_SYSTEM,
) -> Made:
    """A new key; a symmetric one is named by the hash of the key under its purpose label."""
    private, public = suites.generate(algorithm)
    named = public or digest(f"renkei/{purpose}/1", private)
    kid = key_id(agency, purpose, algorithm, named)
    held = PrivateKey(
        agency=agency,
        purpose=purpose,
        algorithm=algorithm,
        kid=kid,
        private=to_text(private),
        starts=instant(starts),
        until=instant(until),
        system=None if system == DEFAULT_SYSTEM else system,
    )
    return Made(held, key_record(held, held.starts) if public else None)


def key_record(held: PrivateKey, starts: str) -> KeyRecord:
    """The first version of a key's record; `starts` may lie before the moment from which the key is used."""
    return KeyRecord(
        agency=held.agency,
        version=1,
        kid=held.kid,
        purpose=held.purpose,
        algorithm=held.algorithm,
        key=to_text(suites.public_of(held.algorithm, held.secret)),
        starts=starts,
        until=held.until,
        system=held.system,
    )


def enrolled(installation: Installation) -> set[str]:
    """The agencies whose roots every service is given, those of other operators among them; none before the first start."""
    if not installation.roots.exists():
        return set()
    return {root["agency"] for root in json.loads(installation.roots.read_text())}


def enrolled_here(installation: Installation) -> list[str]:
    """The agencies whose root keys are here, the hub among them."""
    return sorted(enrolled(installation) & {file.name for file in installation.root_keys.iterdir()})


def read_root(installation: Installation, agency: str) -> RootKey:
    """An agency's root key; the operator's alone."""
    file = installation.root_keys / agency
    if not file.exists():
        if installation.roots.exists() and agency in enrolled(installation):
            raise InstallationError(f"the root key of agency {agency} is not here, which has to sign: {file}")
        raise InstallationError(f"agency {agency} has no keys here. Make them first: renkei keys create {agency}.")
    stored = json.loads(file.read_bytes())
    return RootKey(agency, stored["algorithm"], to_bytes(stored["private"]))


def keep_record(installation: Installation, record: AnyRecord, root: RootKey) -> None:
    """Signs a record and keeps it until it is published."""
    assert signer_of(record) == root.agency
    data = record.encoded()
    signature = suites.sign(root.algorithm, root.private, signed_record(record.type, data))
    stored = json.dumps({"place": place(record), "record": to_text(data), "signature": to_text(signature)})
    replace_file(record_file(installation, place(record)), stored.encode())


def record_file(installation: Installation, at: str) -> Path:
    """Where the record of this place is kept."""
    return installation.records / at.replace("/", "_")


@dataclass(frozen=True)
class Kept:
    """A signed record as it waits to be published."""

    place: str
    record: bytes
    signature: bytes


def kept(file: Path) -> Kept:
    """What `keep_record` has written; `Misconfigured`, which names the file, where it is something else or cut off."""
    try:
        stored = json.loads(file.read_text())
        return Kept(stored["place"], to_bytes(stored["record"]), to_bytes(stored["signature"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Misconfigured(f"{file} is no signed record: {type(error).__name__}") from None


def assertion_key(installation: Installation, agency: str, system: str = DEFAULT_SYSTEM) -> PrivateKey:
    """The key with which the posting system signs what it posts now."""
    return posting_key(installation, agency, instant(present()), system)


def posting_key(installation: Installation, agency: str, at: str, system: str = DEFAULT_SYSTEM) -> PrivateKey:
    """The same at the instant `at`: of those that have begun the latest. `MissingKey` if the system has none here."""
    keys = [key for key in key_sets.read(installation, agency, system) if key.purpose == "assertion"]
    if not keys:
        raise MissingKey(f"no posting key of agency {agency} for its system {system}")
    return ([key for key in keys if key.starts <= at] or keys[:1])[-1]


def months(now: datetime, count: int) -> list[tuple[datetime, datetime]]:
    """Beginning and end of this month and of those that follow, `count` in all."""
    starts = [datetime(now.year, now.month, 1, tzinfo=UTC)]
    for _ in range(count):
        starts.append((starts[-1] + timedelta(days=32)).replace(day=1))
    return list(pairwise(starts))


def _monthly(agency: str, purpose: Purpose, algorithm: suites.Algorithm, now: datetime) -> list[Made]:
    return [make_key(agency, purpose, algorithm, start, end) for start, end in months(now, SEALING_MONTHS)]
