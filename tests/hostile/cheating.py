"""Whatever stands in a record, signed: by its sender over what is there, and by the hub over what was signed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from schemas.message import Message
from schemas.text import to_bytes, to_text
from schemas.wire import tree
from schemas.wire.envelope import digests, identity, leaf_of
from schemas.wire.frame import frame
from schemas.wire.sign import PERMIT_ROOT, ROOT, Signer, sign_leaves
from tests.hostile.parties import Parties
from tests.vectors.world import sha256


@dataclass(frozen=True)
class Cheat:
    """Every private key that the parties have."""

    parties: Parties

    def signed(self, message: Message, stage: Literal["submitted", "delivered"]) -> Message:
        """The record with a signature that holds over its parts, whatever they are; where it is delivered, permitted.

        Where the seal or the permit cannot be read, nobody knows what to sign, and it stays as it is."""
        headers, seal = dict(message.headers), _object(message.headers.get("seal", b""))
        hB, hS, kid = (_binary(seal.get(name)) for name in ("hB", "hS", "sign"))
        signer = self._signer(to_text(kid))
        if signer is None:
            return message
        said = identity(headers.get("control", b""), hB, hS)
        permit = _object(headers.get("permit", b""))
        subject = (
            _binary(permit.get("subject")) if stage == "delivered" and permit else sha256(_get(headers, "subject"))
        )
        leaf = leaf_of(said, digests(headers["seal"], message.value, _get(headers, "wrap")), subject)
        headers["signature"] = sign_leaves(signer, ROOT, [leaf])[0].encoded()
        if stage == "delivered" and permit:
            headers["permit"] = self._permitted(permit, said, leaf, sha256(_get(headers, "subject")))
        return replace(message, headers=headers)

    def _permitted(self, permit: dict[str, Any], said: bytes, leaf: bytes, subject: bytes) -> bytes:
        """D is made to name this message, unless it is no D at all; the rest of it stays as strange as it is."""
        if isinstance(permit.get("decision"), dict):
            permit["decision"] = permit["decision"] | {"message": to_text(said)}
        signer = self._signer(str(permit.get("key")))
        if signer is None:
            return _spelt(permit)
        decision = sha256(_spelt(permit.get("decision")))
        wrap, time = _binary(permit.get("wrap")), str(permit.get("time")).encode("utf-8", "surrogatepass")
        permit_leaf = tree.leaf(frame("renkei/permit-leaf/1", decision, leaf, wrap, subject, time))
        return _spelt(permit | sign_leaves(signer, PERMIT_ROOT, [permit_leaf])[0].model_dump())

    def _signer(self, kid: str) -> Signer | None:
        """Any key that signs, whoever's and whatever for."""
        key = self.parties.keys.get(kid)
        return None if key is None or key.record.algorithm != "ed25519" else key.signer


def _get(headers: Mapping[str, bytes], name: str) -> bytes:
    return headers.get(name, b"")


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _binary(text: Any) -> bytes:
    try:
        return to_bytes(text) if isinstance(text, str) else bytes(32)
    except ValueError:
        return bytes(32)


def _spelt(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
