"""An agency's keys: its root, key rings for the two blocks, the posting system's assertion key, and signed key records."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from schemas.directory import (
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
from services.operator.installation import Installation, write_secret
from services.operator.keys.keyrings import replace_file, write_keys
from services.operator.local.error import InstallationError
from services.operator.tables import now as present
from services.runtime.errors import MissingKey
from services.runtime.keys import PrivateKey

YEAR: Final = timedelta(days=365)
SEALING_MONTHS: Final = 2
"""Wrap and salt keys are made for this month and the next; each lives one (message.md section 3). `renewal` makes more."""


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


def create_keys(installation: Installation, agencies: Sequence[str], suite: str, now: datetime) -> None:
    """Keys for agencies that have none yet: rings, enrolled roots and signed records, each file written at once."""
    installation.prepare()
    roots = json.loads(installation.roots.read_text())
    for agency in agencies:
        if (installation.root_keys / agency).exists():
            raise ValueError(f"agency {agency} has keys already")
        root = RootKey(agency, suites.SIGNATURES[suite], suites.generate(suites.SIGNATURES[suite])[0])
        made = hub_keys(suite, now) if agency == HUB else agency_keys(agency, suite, now)
        write_keys(installation, agency, [one.private for one in made], now)
        stored = json.dumps({"algorithm": root.algorithm, "private": to_text(root.private)}).encode()
        write_secret(installation.root_keys / agency, stored)
        roots.append(root.enrolled().model_dump(mode="json"))
        for one in made:
            if one.record is not None:
                keep_record(installation, one.record, root)
    replace_file(installation.roots, json.dumps(roots, indent=1).encode())


def agency_keys(agency: str, suite: str, now: datetime) -> list[Made]:
    """Data, sign, wrap, salt and assertion keys of an agency."""
    return [
        make_key(agency, "data", "aes-256-gcm", now, now + 10 * YEAR),
        make_key(agency, "sign", suites.SIGNATURES[suite], now, now + YEAR),
        make_key(agency, "assertion", "ed25519", now, now + YEAR),
        *_monthly(agency, "wrap", suites.EXCHANGES[suite], now),
        *_monthly(agency, "salt", "hmac-sha256", now),
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


def make_key(agency: str, purpose: Purpose, algorithm: suites.Algorithm, starts: datetime, until: datetime) -> Made:
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
    )


def enrolled_here(installation: Installation) -> list[str]:
    """The agencies whose root keys are here, the hub among them."""
    return sorted(file.name for file in installation.root_keys.glob("*"))


def read_root(installation: Installation, agency: str) -> RootKey:
    """An agency's root key; the operator's alone."""
    file = installation.root_keys / agency
    if not file.exists():
        raise InstallationError(f"agency {agency} has no keys here. Make them first: renkei keys create {agency}.")
    stored = json.loads(file.read_bytes())
    return RootKey(agency, stored["algorithm"], to_bytes(stored["private"]))


def keep_record(installation: Installation, record: AnyRecord, root: RootKey) -> None:
    """Signs a record and keeps it until it is published."""
    assert signer_of(record) == root.agency
    data = record.encoded()
    signature = suites.sign(root.algorithm, root.private, signed_record(record.type, data))
    stored = json.dumps({"place": place(record), "record": to_text(data), "signature": to_text(signature)})
    replace_file(installation.records / place(record).replace("/", "_"), stored.encode())


def assertion_key(installation: Installation, agency: str) -> PrivateKey:
    """The key with which the agency's business systems sign what they post now."""
    return posting_key(installation, agency, instant(present()))


def posting_key(installation: Installation, agency: str, at: str) -> PrivateKey:
    """The same at the instant `at`: the following key from its beginning on. `MissingKey` if the agency has none here."""
    following = installation.systems / f"{agency}.next"
    if following.exists():
        key = PrivateKey.model_validate_json(following.read_bytes())
        if key.starts <= at:
            return key
    try:
        return PrivateKey.model_validate_json((installation.systems / agency).read_bytes())
    except FileNotFoundError:
        raise MissingKey(f"no posting key of agency {agency}") from None


def months(now: datetime, count: int) -> list[tuple[datetime, datetime]]:
    """Beginning and end of this month and of those that follow, `count` in all."""
    starts = [datetime(now.year, now.month, 1, tzinfo=UTC)]
    for _ in range(count):
        starts.append((starts[-1] + timedelta(days=32)).replace(day=1))
    return list(pairwise(starts))


def _monthly(agency: str, purpose: Purpose, algorithm: suites.Algorithm, now: datetime) -> list[Made]:
    return [make_key(agency, purpose, algorithm, start, end) for start, end in months(now, SEALING_MONTHS)]
