"""Writes suite-1.json and suite-2.json beside this file: `python -m tests.vectors.make`.

The files are committed: tests read them and never write them. Of each message they hold what was put in, the records,
and every value in between; then the records that must be refused. `verifier.py` says how they are read.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from schemas.control import Basis, Control, Item, Officer, Reply
from schemas.message import Message
from schemas.refusal import RefusalCode, part_of
from schemas.text import later, to_text
from schemas.wire.envelope import Envelope
from schemas.wire.frame import derived_id, keyed
from schemas.wire.seal import message_key
from schemas.wire.sign import permit_leaf_of

from .rejected import Honest, Rejected, rejected
from .world import CREATED, EXPIRES, NOW, PERMITTED, Draft, Grant, World, sha256

FOLDER: Final = Path(__file__).parent
SUITES: Final = ("1", "2")
HAMAMATSU: Final = "221309"
FUKUOKA: Final = "401307"
ABOUT: Final = (
    "Synthetic test vectors: agency codes are real, keys, people, link codes and messages are not. "
    "Every secret in here is public; never use one."
)
OFFICER: Final = Officer(office="市民税課（中央ザザシティ支所）", role="tax_clerk", staff="s-0101")
BASIS: Final = Basis(edition="2015-12-27", row="27", branch=4, procedure="inhabitant_tax")
ITEM: Final = Item(name="income_tax_certificate", layout=1)
ASKED: Final = Reply(id="019ab1c2-0000-7000-8000-0000000000aa", message=to_text(sha256(b"a message asked before")))
INQUIRY: Final = b'{"period":{"year":2025}}'
ANSWER: Final = '{"outcome":"records","records":[{"note":"髙橋・𠮷田・はｶﾞｷ・㍻"}]}'.encode()
ROOM: Final = 4096 - 32 - 4
"""Bytes of business part that fill the smallest plaintext."""


def drafts() -> list[Draft]:
    """One sender's batch: every kind, the edges of padding and of the times that are allowed."""
    reply = ASKED.model_copy(update={"decision": to_text(sha256(b"its decision"))})
    refusal = part_of(RefusalCode.NOT_ACCEPTING, "directory: hours of 401307").encoded()
    answers = {"kind": "response", "in_reply_to": reply, "officer": "auto"}
    return [
        draft("inquiry", 1, INQUIRY),
        draft("response", 2, ANSWER, **answers),
        draft("refusal without subject", 3, refusal, kind="refusal", in_reply_to=ASKED, officer="auto"),
        draft("receipt without subject", 4, b"{}", kind="receipt", in_reply_to=reply, officer="auto"),
        draft("notification that is not shown to the person", 5, b"{}", kind="notification", non_disclosure=True),
        draft("empty business part", 6, b"", kind="notification"),
        draft("fills 4 KiB", 7, b"x" * ROOM, **answers),
        draft("a byte over 4 KiB", 8, b"x" * (ROOM + 1), **answers, position=1),
        draft("created five minutes after its permit", 9, INQUIRY, created=later(PERMITTED, timedelta(minutes=5))),
        draft("lives for 31 days", 10, INQUIRY, expires=later(CREATED, timedelta(days=31))),
    ]


def draft(name: str, number: int, business: bytes, **said: Any) -> Draft:
    """A message of the batch about a person of its own, unless its kind has no subject."""
    control = Control.model_validate(
        {
            "id": f"019ab1c2-0000-7000-8000-{number:012x}",
            "exchange": f"019ab1c2-0000-7000-8000-{number:012x}",
            "position": 0,
            "kind": "inquiry",
            "sender": HAMAMATSU,
            "receiver": FUKUOKA,
            "basis": BASIS,
            "item": ITEM,
            "officer": OFFICER,
            "created": CREATED,
            "expires": EXPIRES,
            **said,
        }
    )
    if control.kind in ("refusal", "receipt"):
        return Draft(name, control, business)
    codes = [sha256(f"{agency}/{number}".encode()).hex()[:32].encode() for agency in (HAMAMATSU, FUKUOKA)]
    return Draft(name, control, business, *codes)


def vectors(suite: str) -> dict[str, Any]:
    """The file's content."""
    world = World(suite, HAMAMATSU, FUKUOKA, "vectors")
    sealings = world.sign([world.seal(each) for each in drafts()])
    grants = [
        world.decide(sealing, "wrap next" if place % 3 == 1 else "wrap") for place, sealing in enumerate(sealings)
    ]
    permitted = world.permit(grants[-3:] + grants[:-3])  # in another order than the sender's tree
    delivered = permitted[3:] + permitted[:3]
    honest = Honest(sealings[0], sealings[4], sealings[2], delivered[0], delivered[4])
    return {
        "about": ABOUT,
        "suite": suite,
        "now": NOW,
        "agencies": {"sender": world.sender, "receiver": world.receiver, "hub": world.hub},
        "keys": [json.loads(key.record.encoded()) for key in world.keys.values()],
        "private": {key.kid: to_text(key.private) for key in world.keys.values()},
        "salt_keys": {side: to_text(world.salt_key(side)) for side in ("sender", "hub")},
        "content_keys": {world.keys["wrap"].kid: to_text(world.content_keys["wrap"].secret)},
        "messages": [message(world, grant, envelope) for grant, envelope in zip(grants, delivered, strict=True)],
        "rejected": [refused(case) for case in rejected(world, honest)],
    }


def message(world: World, grant: Grant, delivered: Envelope) -> dict[str, Any]:
    """One message with all that lies between its inputs and its records."""
    said, submitted = grant.sealing.draft, grant.sealing.envelope
    return {
        "name": said.name,
        "inputs": {
            "business": to_text(said.business),
            "link_code": said.link_code.decode(),
            "receiver_link_code": said.receiver_link_code.decode(),
        },
        "submitted": record(world.submitted(submitted)),
        "delivered": record(world.delivered(delivered)),
        "expected": expected(world, grant),
    }


def expected(world: World, grant: Grant) -> dict[str, str]:
    """Every deterministic value, under its name in message.md."""
    sealing, committed = grant.sealing, grant.sealing.committed
    control, identity = sealing.draft.control, committed.identity
    t_permit = b""
    if committed.subject_salt:
        t_permit = keyed(world.salt_key("hub"), "renkei/salt/permit/1", world.hub, control.receiver, identity)
    digest = grant.decision.digest
    values: Mapping[str, bytes] = {
        "s": committed.salt,
        "t": committed.subject_salt,
        "hB": committed.business,
        "hS": committed.subject,
        "M": identity,
        "k": message_key(world.content_keys["wrap"].secret, identity),
        "leaf": sealing.envelope.leaf(sha256(sealing.envelope.subject)),
        "t_permit": t_permit,
        "decision": grant.decision.encoded(),
        "permit_leaf": permit_leaf_of(digest, sealing.leaf, grant.wrap, sha256(grant.subject), grant.time),
    }
    texts = {name: to_text(value) for name, value in values.items()}
    derived = derived_id(identity, "response", control.sender, 0)
    return texts | {"hS_permit": grant.decision.subject, "derived_response_id": derived}


def record(message: Message) -> dict[str, Any]:
    headers = {name: to_text(data) for name, data in message.headers.items()}
    return {"key": message.key, "value": to_text(message.value), "headers": headers}


def refused(case: Rejected) -> dict[str, Any]:
    return {"name": case.name, "stage": case.stage, "reason": str(case.reason), "record": record(case.message)}


def path_of(suite: str) -> Path:
    return FOLDER / f"suite-{suite}.json"


def main(suites: Sequence[str] = SUITES) -> None:
    for suite in suites:
        path_of(suite).write_text(json.dumps(vectors(suite), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
