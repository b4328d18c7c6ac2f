"""Records that anybody with access to a topic could put there, and that no reader may stumble over."""

import base64
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from schemas import canonical, topics
from schemas.control import Control, Reply
from schemas.directory import HUB
from schemas.message import MESSAGE_LIMIT, Message
from schemas.replica import Registration
from schemas.text import instant, later
from schemas.topics import Topic
from schemas.wire.envelope import LIMITS, Envelope
from schemas.wire.seal import commit, seal_business, seal_subject
from services.crypto.sealing import Sealed, signed
from services.operator.demo import ALLOWANCE, ASKER, ITEM, NEIGHBOUR, YEAR
from services.operator.identifiers import uuid7
from services.operator.tables import at_rest, now, rings
from services.runtime.directory import Directory, EnrolledRoots
from services.runtime.kafka.scan import scan
from services.runtime.rest import INTERNAL
from services.runtime.wrapping import ContentKeys
from tests import site as sites
from tests.site import RESIDENTS, Site, copy_of, inquiry, link_codes

DAY: Final = timedelta(days=1)
KEYS: Final = ("", "\0", "ZZZZZZ", f"{ASKER},{NEIGHBOUR}", "機関", "K" * 10_000)
"""What is no code of an agency of this site."""
PARTS: Final = (b"", b"\xff\xfe", b"{}", b"[]", b"null", b'{"v":1}', b"[" * 5_000, b'{"v":1.5,"v":2}', os.urandom(64))
"""What is no part of any record."""

KEYS_OF_INQUIRY: Final = b'{"period":{"year":2026}}'

Records = list[tuple[Topic, Message]]


async def records(site: Site, kind: str) -> Records:
    """Everything of one kind."""
    return await KINDS[kind](site)


async def no_requests(site: Site) -> Records:
    """Nothing that `exchange` can read: broken, too large, under foreign keys."""
    good = sites.record(site, inquiry(RESIDENTS[0]))
    return [
        *((topics.outbound_requested, Message(key, b"", {})) for key in KEYS),
        *((topics.outbound_requested, Message(key, good.value, good.headers)) for key in KEYS),
        *((topics.outbound_requested, broken) for broken in _broken(good)),
        (topics.outbound_requested, _with(good, control=b"{" + b" " * 20_000 + b"}")),
        (topics.outbound_requested, _with(good, subject="番号".encode())),
        (
            topics.outbound_requested,
            _with(good, assertion=base64.urlsafe_b64encode(b'{"kid":' + b"[" * 2_900) + b".e30."),
        ),
    ]


async def long_contexts(site: Site) -> Records:
    """Trace contexts that leave no room for anything else."""
    good = sites.record(site, inquiry(RESIDENTS[0]))
    size = sum(len(name) + len(data) for name, data in good.headers.items()) + len(good.value) + len(good.key)
    endless = b"0" * (MESSAGE_LIMIT - size - 100)
    junk = Message(NEIGHBOUR, b"", {"control": b"{}", "traceparent": endless})
    return [
        (topics.outbound_requested, _with(good, traceparent=endless)),
        (topics.network_submitted, junk),
        (topics.network_delivered, junk),
    ]


async def not_delivered(site: Site) -> Records:
    """Nothing that the network could have delivered."""
    return [(topics.network_delivered, message) for message in _on_the_wire(await _sealed(site, _control()))]


async def not_submitted(site: Site) -> Records:
    """Nothing that an agency could have submitted."""
    return [(topics.network_submitted, message) for message in _on_the_wire(await _sealed(site, _control()))]


async def signed_nonsense(site: Site) -> Records:
    """Signed and sealed as it must be, by an agency that says strange things."""
    today = instant(now())
    reply = Reply(id=uuid7(), message=ANY_DIGEST, decision=ANY_DIGEST)
    said: list[dict[str, Any]] = [
        {"created": "2020-02-29T00:00:00.000Z"},
        {"created": later(today, -30 * DAY), "expires": later(today, DAY / 2)},
        {"created": "0001-01-01T00:00:00.000Z", "expires": "9999-12-31T23:59:59.999Z"},
        {"created": later(today, 300 * DAY), "expires": later(today, 301 * DAY)},
        {"expires": "2020-02-29T00:00:00.000Z"},
        {"receiver": "ZZZZZZ"},
        {"receiver": HUB},
        {"on_behalf_of": NEIGHBOUR},
        {"kind": "notification", "officer": "auto"},
        {"kind": "receipt", "in_reply_to": reply},
        {"kind": "refusal", "in_reply_to": reply},
        {"kind": "response", "in_reply_to": reply},
        {"basis": ALLOWANCE.model_copy(update={"edition": "none"})},
        {"item": ITEM.model_copy(update={"layout": 9999})},
    ]
    messages = [await _sealed(site, _control(**one)) for one in said]
    messages += [await _sealed(site, _control(), business=part) for part in PARTS]
    messages += [await _sealed(site, _control(), link_code=part) for part in PARTS if part]
    return [(topics.network_submitted, message) for message in messages]


async def not_registered(site: Site) -> Records:
    """No copies: unreadable, of another form than the catalogue's, sealed under keys that nobody here has."""
    resident, rest = RESIDENTS[0], at_rest(site)
    copies = canonical.encode([copy_of(resident)])
    good = _registration(site, copies)
    replaced = [_with(good, **{name: part}) for name in good.headers for part in PARTS]
    foreign = rest.key(ASKER).kid.encode()
    values = [
        b"[]",
        b"[1]",
        b"{}",
        canonical.encode([{"assessment_year": "2026"}]),
        canonical.encode([copy_of(resident)] * 101),
    ]
    return [
        (topics.replica_registered, message)
        for message in [
            *replaced,
            *(Message(key, good.value, good.headers) for key in KEYS),
            *(Message(good.key, part, good.headers) for part in PARTS),
            *(_registration(site, value) for value in (*PARTS, *values)),
            _with(good, sealed=foreign),
            _with(good, sealed="鍵".encode("shift-jis")),
        ]
    ]


KINDS: Final[Mapping[str, Callable[[Site], Awaitable[Records]]]] = {
    f.__name__: f
    for f in (
        no_requests,
        long_contexts,
        not_delivered,
        not_submitted,
        signed_nonsense,
        not_registered,
    )
}
ANY_DIGEST: Final = "A" * 43


def _with(message: Message, **headers: bytes) -> Message:
    return Message(message.key, message.value, {**message.headers, **headers})


def _broken(good: Message) -> list[Message]:
    """Every header and the value replaced by what it cannot be."""
    headers = [_with(good, **{name: part}) for name in good.headers for part in PARTS]
    return [*headers, *(Message(good.key, part, good.headers) for part in PARTS)]


def _on_the_wire(good: Message) -> list[Message]:
    """A message that would pass, spoilt in every way."""
    oversize = [_with(good, **{name: b" " * (limit + 1)}) for name, limit in LIMITS.items()]
    missing = [
        Message(good.key, good.value, {name: data for name, data in good.headers.items() if name != left_out})
        for left_out in good.headers
    ]
    foreign = [Message(key, good.value, good.headers) for key in (*KEYS, NEIGHBOUR)]
    trailed = [_with(good, trail=part, proof=part, source=part, permit=part) for part in PARTS]
    return [Message(ASKER, b"", {}), *_broken(good), *oversize, *missing, *foreign, *trailed]


def _control(**said: Any) -> Control:
    """An inquiry of the asker, all of it right but what is said here."""
    created = instant(now())
    question = inquiry(RESIDENTS[0]).question
    control = question.completed(created, later(created, DAY))
    return Control.model_validate({**control.model_dump(exclude_none=True), **{k: _plain(v) for k, v in said.items()}})


def _plain(value: Any) -> Any:
    return value.model_dump(exclude_none=True) if hasattr(value, "model_dump") else value


async def _sealed(
    site: Site, control: Control, business: bytes = b'{"period":{"year":2026}}', link_code: bytes = b""
) -> Message:
    """A message as the agency's own `crypto` would submit it, whatever it says."""
    directory, keys, today = await _directory(site), rings(site, "linkage").of(control.sender), instant(now())
    wrap, hub = directory.current(control.receiver, "wrap", today), directory.current(HUB, "wrap", today)
    assert hub is not None
    faceless = control.kind in ("refusal", "receipt")
    person = b"" if faceless else link_code or link_codes(site, RESIDENTS[0])[0].encode()
    signer, content_keys = keys.current("sign", today).signer(), ContentKeys(now)
    committed = commit(control, control.encoded(), business, person, keys.current("salt", today).secret)
    content, hub_key = content_keys.for_receiver(wrap or hub), content_keys.for_receiver(hub)
    subject = seal_subject(hub_key, os.urandom(12), committed.identity, committed.subject_salt, person)
    envelope = Envelope(
        control=control.encoded(),
        seal=committed.seal(sign=signer.kid, wrap=(wrap or hub).kid, hub=hub.kid),
        wrap=content.wrapped,
        subject=b"" if faceless else subject,
        signature=b"",
        value=seal_business(content.secret, committed, business),
    )
    leaf = envelope.leaf(hashlib.sha256(envelope.subject).digest())
    [whole] = signed([Sealed(signer, envelope, leaf)])
    return Message(control.sender, whole.value, whole.headers())


async def _directory(site: Site) -> Directory:
    """The directory as every service has it."""
    directory = Directory(EnrolledRoots(site.roots), now)
    directory.fold(await scan(site.kafka(), topics.directory))
    return directory


def _registration(site: Site, value: bytes) -> Message:
    """A copy of the first resident, sealed as its business system seals."""
    resident = RESIDENTS[0]
    control = Registration(id=uuid7(), agency=resident.provider, kind="replica", item=ITEM, year=YEAR).encoded()
    subject = INTERNAL + resident.known_as.encode()
    sealed = at_rest(site).seal(resident.provider, control, {"value": value, "subject": subject})
    headers = {"control": control, "subject": sealed["subject"], "sealed": sealed["sealed"]}
    return Message(resident.provider, sealed["value"], headers)
