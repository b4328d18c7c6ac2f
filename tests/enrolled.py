"""A world of the test vectors as services know it: enrolled roots, signed directory records, beats, keys in rings."""

from schemas.directory import AnyRecord, Beat, Root, beaten, place, possession, signed_record, signer_of
from schemas.message import Message
from schemas.text import to_text
from schemas.wire import suites
from services.runtime.directory import Directory
from services.runtime.keys import PrivateKey
from tests.vectors.world import Key, World


def root(world: World, agency: str) -> Root:
    """The public half of an agency's root key, with its proof of possession."""
    private = _root_key(world, agency)
    public = suites.public_of("ed25519", private)
    proof = suites.sign("ed25519", private, possession(agency, "ed25519", public))
    return Root(agency=agency, algorithm="ed25519", key=to_text(public), proof=to_text(proof))


def published(world: World, record: AnyRecord) -> Message:
    """A record as the directory's topic carries it, signed by the root that must sign it."""
    data = record.encoded()
    signature = suites.sign("ed25519", _root_key(world, signer_of(record)), signed_record(record.type, data))
    return Message(place(record), data, {"signature": signature})


def beat(key: Key, edition: int, time: str, directory: Directory) -> Message:
    """The hub's heartbeat for this table."""
    table = directory.standing.digest()
    signature = to_text(key.signer.sign(beaten(edition, time, table)))
    return Message(
        "beat", Beat(edition=edition, time=time, table=table, key=key.kid, signature=signature).encoded(), {}
    )


def held(key: Key) -> PrivateKey:
    """A key as its agency's ring holds it."""
    record = key.record
    return PrivateKey(
        agency=record.agency,
        purpose=record.purpose,
        algorithm=record.algorithm,
        kid=record.kid,
        private=to_text(key.private),
        starts=record.starts,
        until=record.until,
    )


def _root_key(world: World, agency: str) -> bytes:
    return world.secret(f"root/{agency}")
