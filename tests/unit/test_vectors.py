"""Two implementations of one page agree: on the committed vectors, and on what chance makes of messages.

`verifier` is the one that shares no code with Renkei; `Own` is Renkei's hub and receiver as the services run them.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from schemas.catalogue import load_catalogue
from schemas.control import FACELESS, LIMIT, Control
from schemas.directory import HUB, KeyRecord
from schemas.law import load_table
from schemas.message import Message
from schemas.policy import Rules
from schemas.refusal import Refusal, SecurityEvent
from schemas.text import decoded, moment, to_bytes, to_text
from schemas.wire import seal
from schemas.wire.envelope import Decision, Envelope, Seal
from schemas.wire.frame import derived_id, keyed
from schemas.wire.sign import PERMIT_ROOT, ROOT, Signer, permit_leaf, sign_leaves
from services.crypto.opening import Opened, Opener
from services.hub.checking import Checker
from services.hub.link_codes import LinkCodes
from services.runtime.directory import Directory
from services.runtime.keys import KeyRings, PrivateKey, Ring
from tests.vectors import make, verifier
from tests.vectors.rejected import Honest, flip, rejected
from tests.vectors.strategies import FEW, agencies, drafts, suites
from tests.vectors.world import EDITION, NOW, Draft, World

FILES: Final = [make.path_of(suite) for suite in make.SUITES]


@cache
def file_of(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_bytes())
    return content


def cases(part: str) -> list[Any]:
    """Every entry of a part of either file, with its name."""
    return [
        pytest.param(path, entry, id=f"{path.stem}: {entry['name']}") for path in FILES for entry in file_of(path)[part]
    ]


def record_of(entry: dict[str, Any]) -> Message:
    headers = {name: to_bytes(data) for name, data in entry["headers"].items()}
    return Message(entry["key"], to_bytes(entry["value"]), headers)


# — Renkei's hub and receiver


@dataclass(frozen=True)
class Own:
    """They remember nothing between two calls, so that no root is already known to be good."""

    records: dict[str, KeyRecord]
    private: dict[str, bytes]
    now: str

    @classmethod
    def of_file(cls, path: Path) -> "Own":
        file = file_of(path)
        records = [KeyRecord.model_validate(entry) for entry in file["keys"]]
        private = {kid: to_bytes(text) for kid, text in file["private"].items()}
        return cls({record.kid: record for record in records}, private, file["now"])

    @classmethod
    def of_world(cls, world: World) -> "Own":
        return cls(dict(world.records), {key.kid: key.private for key in world.keys.values()}, NOW)

    def clock(self) -> datetime:
        return moment(self.now)

    @property
    def directory(self) -> Directory:
        return Directory(roots={}, clock=self.clock, keys=self.records, edition=EDITION)

    @property
    def rings(self) -> KeyRings:
        keys = [
            PrivateKey(
                agency=record.agency,
                purpose=record.purpose,
                algorithm=record.algorithm,
                kid=kid,
                private=to_text(self.private[kid]),
                starts=record.starts,
                until=record.until,
            )
            for kid, record in self.records.items()
        ]
        agencies = {key.agency for key in keys}
        rings = {agency: Ring(agency=agency, keys=[key for key in keys if key.agency == agency]) for agency in agencies}
        return KeyRings(Path("unused"), b"", "unused", _rings=rings)

    def submitted(self, message: Message) -> Envelope:
        """What the hub checks of a submission by itself: verification, then U."""
        checker = Checker(self.rings, self.directory, RULES, LinkCodes(bytes(32)), self.clock)
        envelope = Envelope.of(message).read()
        checker.verify(envelope, message.key)
        if envelope.said.kind not in FACELESS:
            checker.person(envelope)
        return envelope

    def delivered(self, message: Message) -> Opened:
        """What a receiver checks of a delivery by itself: verification, then content and U'."""
        opener = Opener(self.rings, self.directory, self.clock)
        envelope, proof = opener.verify(message)
        opener.expired(envelope.said)
        return opener.open(envelope, proof)

    def subject(self, envelope: Envelope) -> bytes:
        """L out of U, with the hub's key."""
        key = self.records[envelope.seals.hub]
        wrapped, boxed = seal.split_subject(key.algorithm, envelope.subject)
        secret = seal.unwrap(key.algorithm, self.private[key.kid], key.agency, key.kid, wrapped)
        return seal.open_subject(secret, envelope.identity, boxed, to_bytes(envelope.seals.hS))


RULES: Final = Rules(load_table(), load_catalogue())


# — the committed files


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_second_verifier_accepts_the_file(path: Path) -> None:
    """Every record, every value in between, and every refusal."""
    assert verifier.check_vector_file(path) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_what_make_would_write(path: Path) -> None:
    """But for what HPKE draws: whoever changes the wire or the cases writes the files again."""
    file = file_of(path)
    made = make.vectors(file["suite"])
    for name in file.keys() - {"messages", "rejected"}:
        assert made[name] == file[name], name
    random = {"leaf", "permit_leaf"}
    for one, other in zip(made["messages"], file["messages"], strict=True):
        assert {name: value for name, value in one["expected"].items() if name not in random} == {
            name: value for name, value in other["expected"].items() if name not in random
        }
        assert (one["name"], one["inputs"]) == (other["name"], other["inputs"])
    refusals = [[(case["name"], case["stage"], case["reason"]) for case in each["rejected"]] for each in (made, file)]
    assert refusals[0] == refusals[1]


def test_the_files_say_that_they_are_synthetic() -> None:
    """A secret in a repository frightens, unless it says that it is none; none belongs to another suite's file."""
    one, two = (file_of(path) for path in FILES)
    assert one["about"] == two["about"] == make.ABOUT
    assert "ynthetic" in one["about"]
    assert not set(one["private"]) & set(two["private"])


@pytest.mark.parametrize(("path", "entry"), cases("messages"))
def test_renkei_opens_every_message(path: Path, entry: dict[str, Any]) -> None:
    """The hub finds the person, the receiver content and person, and what they verified is M."""
    own, inputs = Own.of_file(path), entry["inputs"]
    envelope = own.submitted(record_of(entry["submitted"]))
    assert to_text(envelope.identity) == entry["expected"]["M"]
    if envelope.said.kind not in FACELESS:
        assert own.subject(envelope) == inputs["link_code"].encode()
    opened = own.delivered(record_of(entry["delivered"]))
    assert opened.business == to_bytes(inputs["business"])
    assert opened.link_code == inputs["receiver_link_code"].encode()
    assert opened.proof.message == entry["expected"]["M"]
    assert opened.proof.decision == to_text(hashlib.sha256(to_bytes(entry["expected"]["decision"])).digest())


@pytest.mark.parametrize(("path", "entry"), cases("messages"))
def test_renkei_computes_every_value(path: Path, entry: dict[str, Any]) -> None:
    """From the inputs and the secrets: commitments, N, k, E, D, both leaves and the id of an answer."""
    file, inputs, expected = file_of(path), entry["inputs"], entry["expected"]
    submitted, delivered = (Envelope.of(record_of(entry[stage])) for stage in ("submitted", "delivered"))
    control, seals, permit = submitted.said, submitted.seals, delivered.permits
    assert decoded(Control, submitted.control, LIMIT) == control
    business, salt_key = to_bytes(inputs["business"]), to_bytes(file["salt_keys"]["sender"])
    made = seal.commit(control, submitted.control, business, inputs["link_code"].encode(), salt_key)
    secret = to_bytes(file["content_keys"][seals.wrap])
    salt = permit_salt(file, control, made.identity)
    leaf = submitted.leaf(hashlib.sha256(submitted.subject).digest())
    decision = Decision(
        hub=file["agencies"]["hub"],
        message=to_text(made.identity),
        subject=to_text(seal.subject_commitment(salt, inputs["receiver_link_code"].encode())),
        law=permit.decision.law,
        directory=permit.decision.directory,
        time=permit.decision.time,
    )
    computed = {
        "s": made.salt,
        "t": made.subject_salt,
        "hB": made.business,
        "hS": made.subject,
        "M": made.identity,
        "k": seal.message_key(secret, made.identity),
        "leaf": leaf,
        "t_permit": salt,
        "hS_permit": to_bytes(decision.subject),
        "decision": decision.encoded(),
        "permit_leaf": permit_leaf(permit, leaf, hashlib.sha256(delivered.subject).digest()),
    }
    texts = {name: to_text(value) for name, value in computed.items()}
    assert texts | {"derived_response_id": derived_id(made.identity, "response", control.sender, 0)} == expected
    assert made.seal(sign=seals.sign, wrap=seals.wrap, hub=seals.hub) == submitted.seal
    assert seal.seal_business(secret, made, business) == submitted.value
    assert permit.decision.digest == hashlib.sha256(decision.encoded()).digest()


def permit_salt(file: dict[str, Any], control: Control, message: bytes) -> bytes:
    """t'."""
    if control.kind in FACELESS:
        return b""
    key = to_bytes(file["salt_keys"]["hub"])
    return keyed(key, "renkei/salt/permit/1", file["agencies"]["hub"], control.receiver, message)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_renkei_signs_both_trees_again(path: Path) -> None:
    """Signing is deterministic: from all leaves of a tree come the same signature and the same paths."""
    file, own = file_of(path), Own.of_file(path)
    envelopes = [Envelope.of(record_of(entry["delivered"])) for entry in file["messages"]]
    leaves = {each.signs.index: to_bytes(m["expected"]["leaf"]) for each, m in _with(envelopes, file)}
    permit_leaves = {each.permits.index: to_bytes(m["expected"]["permit_leaf"]) for each, m in _with(envelopes, file)}
    senders = sign_leaves(_signer(own, envelopes[0].seals.sign), ROOT, [leaves[index] for index in sorted(leaves)])
    permit_key = _signer(own, envelopes[0].permits.key)
    hubs = sign_leaves(permit_key, PERMIT_ROOT, [permit_leaves[index] for index in sorted(permit_leaves)])
    for envelope in envelopes:
        assert senders[envelope.signs.index].encoded() == envelope.signature
        permit, again = envelope.permits, hubs[envelope.permits.index]
        assert (permit.signature, permit.size, permit.path) == (again.signature, again.size, again.path)


def _with(envelopes: list[Envelope], file: dict[str, Any]) -> list[tuple[Envelope, dict[str, Any]]]:
    return list(zip(envelopes, file["messages"], strict=True))


def _signer(own: Own, kid: str) -> Signer:
    return Signer(kid, own.records[kid].algorithm, own.private[kid])


@pytest.mark.parametrize(("path", "entry"), cases("rejected"))
def test_renkei_refuses_every_rejected_record(path: Path, entry: dict[str, Any]) -> None:
    """As the security event, or the refusal, that the file names."""
    own = Own.of_file(path)
    judge: Callable[[Message], object] = {"submitted": own.submitted, "delivered": own.delivered}[entry["stage"]]
    with pytest.raises((SecurityEvent, Refusal)) as caught:
        judge(record_of(entry["record"]))
    assert isinstance(caught.value, SecurityEvent | Refusal)
    assert caught.value.code == entry["reason"]


# — what chance makes of messages


batches = st.lists(drafts(), min_size=1, max_size=4)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[World, list[Draft]]:
    """Two agencies with keys of their own, and a batch of messages between them."""
    said = draw(batches)
    world = World(draw(suites), said[0].control.sender, said[0].control.receiver, f"chance {draw(st.integers(0, 99))}")
    parties = {"sender": world.sender, "receiver": world.receiver}
    return world, [replace(each, control=each.control.model_copy(update=parties)) for each in said]


def exchanged(world: World, said: list[Draft]) -> tuple[list[Envelope], list[Envelope]]:
    """The batch as it is submitted, and as it is delivered."""
    sealings = world.sign([world.seal(each) for each in said])
    return [sealing.envelope for sealing in sealings], world.permit([world.decide(sealing) for sealing in sealings])


@dataclass(frozen=True)
class Second:
    """The second verifier as hub and receiver of a world."""

    world: World

    @property
    def keys(self) -> verifier.Keys:
        return {kid: json.loads(record.encoded()) for kid, record in self.world.records.items()}

    def private(self, kid: str) -> bytes:
        return next((key.private for key in self.world.keys.values() if key.kid == kid), bytes(32))

    def submitted(self, message: Message) -> tuple[bytes, tuple[bytes, bytes]]:
        """M, and (t, L)."""
        identity = verifier.verify_submission(_plain(message), self.keys, hub=HUB, at=NOW)
        kid = Seal.model_validate_json(message.headers["seal"]).hub
        return identity, verifier.open_subject(_plain(message), self.private(kid), self.keys, hub=HUB)

    def delivered(self, message: Message) -> tuple[bytes, bytes, bytes]:
        """M, B, and L'; of a refusal without a permit no L'."""
        identity = verifier.verify_delivery(_plain(message), self.keys, hub=HUB, now=NOW)
        envelope = Envelope.of(message)
        _, business = verifier.open_content(_plain(message), self.private(envelope.seals.wrap), self.keys)
        if not envelope.permit:
            return identity, business, b""
        _, code = verifier.open_subject(_plain(message), self.private(envelope.permits.wrap), self.keys)
        return identity, business, code


def _plain(message: Message) -> verifier.Record:
    return verifier.Record(key=message.key, value=message.value, headers=message.headers)


@FEW
@given(worlds())
def test_both_accept_what_renkei_makes(drawn: tuple[World, list[Draft]]) -> None:
    """Any messages, in either suite, alone or in a batch: both open the same."""
    world, said = drawn
    own, second = Own.of_world(world), Second(world)
    for draft, envelope, permitted in zip(said, *exchanged(world, said), strict=True):
        message, delivered = world.submitted(envelope), world.delivered(permitted)
        assert own.submitted(message).identity == envelope.identity
        identity, (_, code) = second.submitted(message)
        assert (identity, code) == (envelope.identity, draft.link_code)
        opened = own.delivered(delivered)
        assert (opened.business, opened.link_code) == (draft.business, draft.receiver_link_code)
        assert second.delivered(delivered) == (envelope.identity, draft.business, draft.receiver_link_code)


@FEW
@given(worlds(), st.data())
def test_both_refuse_what_is_altered(drawn: tuple[World, list[Draft]], data: st.DataObject) -> None:
    """A bit of any header or of the value, a header that is missing, another key: no way through, no other exception."""
    world, said = drawn
    own, second = Own.of_world(world), Second(world)
    place = data.draw(st.integers(0, len(said) - 1))
    submitted, delivered = (batch[place] for batch in exchanged(world, said))
    for message, here, there in [
        (world.submitted(submitted), own.submitted, second.submitted),
        (world.delivered(delivered), own.delivered, second.delivered),
    ]:
        for altered in alterations(message, data):
            with pytest.raises(SecurityEvent):
                here(altered)
            with pytest.raises(verifier.Invalid):
                there(altered)


def alterations(message: Message, data: st.DataObject) -> list[Message]:
    """Each part with one bit changed, a byte appended, and gone."""
    out = [replace(message, key=message.key + "0"), replace(message, value=message.value + b"\0")]
    out.append(replace(message, value=flip(message.value, data.draw(st.integers(0, 8 * len(message.value) - 1)))))
    for name, part in message.headers.items():
        bit = data.draw(st.integers(0, 8 * len(part) - 1))
        rest = {other: held for other, held in message.headers.items() if other != name}
        out += [replace(message, headers=rest | {name: other}) for other in (flip(part, bit), part + b"\0", part[:-1])]
        out.append(replace(message, headers=rest))
    return out


@settings(FEW, max_examples=4)
@given(suites, agencies, agencies)
def test_both_refuse_every_cheat(suite: str, sender: str, receiver: str) -> None:
    """The cases of the files again, between other agencies."""
    assume(sender != receiver)
    world = World(suite, sender, receiver, "cheats")
    own, second = Own.of_world(world), Second(world)
    parties = {"sender": sender, "receiver": receiver}
    said = [replace(each, control=each.control.model_copy(update=parties)) for each in make.drafts()[:3]]
    one, other, refusal = world.sign([world.seal(each) for each in said])
    permitted = world.permit([world.decide(sealing) for sealing in (one, other)])
    for case in rejected(world, Honest(one, other, refusal, *permitted)):
        here = own.submitted if case.stage == "submitted" else own.delivered
        there = second.submitted if case.stage == "submitted" else second.delivered
        with pytest.raises((SecurityEvent, Refusal)):
            here(case.message)
        with pytest.raises(verifier.Invalid):
            there(case.message)


@FEW
@given(suites, drafts(kind="refusal"), st.data())
def test_both_accept_a_refusal_of_the_hub(suite: str, draft: Draft, data: st.DataObject) -> None:
    """It has no permit and no subject; nobody else's message may do without."""
    for sender in (HUB, "131130"):
        world = World(suite, sender, draft.control.receiver, "refusing")
        said = replace(draft, control=draft.control.model_copy(update={"sender": sender}))
        message = world.delivered(world.sign([world.seal(said)])[0].envelope)
        own, second = Own.of_world(world), Second(world)
        if sender == HUB:
            assert own.delivered(message).business == second.delivered(message)[1] == draft.business
        else:
            with pytest.raises(SecurityEvent):
                own.delivered(message)
            with pytest.raises(verifier.Invalid):
                second.delivered(message)
    for altered in alterations(message, data):
        with pytest.raises(SecurityEvent):
            own.delivered(altered)


@FEW
@given(worlds())
def test_a_third_party_can_check_the_proof(drawn: tuple[World, list[Draft]]) -> None:
    """Without private keys: what Renkei keeps of a message is enough, and (s, B), (t, L), (t', L') open it."""
    world, said = drawn
    for draft, envelope, permitted in zip(said, *exchanged(world, said), strict=True):
        sealing = world.seal(draft)
        assert sealing.committed.identity == envelope.identity
        parts = (envelope.value, envelope.wrap, envelope.subject, permitted.subject)
        digests = verifier.Digests._make(hashlib.sha256(part).digest() for part in parts)
        shown = (permitted.control, permitted.seal, permitted.signature, permitted.permit, digests, Second(world).keys)
        committed = sealing.committed
        content, person = (committed.salt, draft.business), (committed.subject_salt, draft.link_code)
        assert verifier.verify_proof(*shown, hub=HUB, content=content, sender_subject=person) == envelope.identity
        with pytest.raises(verifier.Invalid):
            verifier.verify_proof(*shown, hub=HUB, content=(committed.salt, draft.business + b"\0"))
        with pytest.raises(verifier.Invalid):
            verifier.verify_proof(*shown, hub=HUB, sender_subject=(committed.subject_salt, draft.link_code + b"1"))
