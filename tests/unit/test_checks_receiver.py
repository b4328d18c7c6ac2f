"""Every check of a receiver, alone and in its order: what is wrong in one place meets the code of that place."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from schemas.refusal import Refusal, RefusalCode, SecurityCode, SecurityEvent
from schemas.text import later
from schemas.wire import suites
from services.crypto.opening import UNWRAPS, Opened
from services.crypto.receiving import Judged, Receiver, place
from services.runtime.errors import Unavailable
from tests.checks.delivery import (
    CHAIN,
    HUBS_FAULTS,
    REFUSAL_FAULTS,
    UNTRUSTED,
    Delivery,
    hub_forged,
    hubs_refusal,
    inquiry,
    never_published,
    refusal,
)
from tests.checks.faults import Fault, every, pairs
from tests.checks.parties import CORE, RECEIVER, Parties
from tests.checks.submission import INQUIRY
from tests.vectors.world import EDITION, NOW

NO_DATABASE: Final[Any] = None
MINUTE: Final = timedelta(minutes=1)


def judged(draft: Delivery, offset: int = 0) -> Judged:
    """What the receiver makes of it, before it looks whether it came before."""
    receiver = Receiver(draft.parties.opener, draft.parties.rest, draft.parties.directory, NO_DATABASE)
    return receiver.judge(draft.message(offset), None)


def met(draft: Delivery) -> str:
    """The code of the check that stopped it, or `opened`."""
    try:
        one = judged(draft).outcome
    except SecurityEvent as event:
        return str(event.code)
    return str(one.code) if isinstance(one, Refusal) else "opened"


def spoilt(draft: Delivery, *faults: Fault[Delivery]) -> Delivery:
    for fault in faults:
        fault.spoil(draft)
    return draft


@pytest.mark.parametrize(
    ("whole", "business", "named"), [(inquiry, INQUIRY, True), (refusal, b"{}", False), (hubs_refusal, b"{}", False)]
)
def test_what_is_right_is_opened(whole: Callable[[Parties], Delivery], business: bytes, named: bool) -> None:
    """A question, an agency's refusal, the hub's: business part, the receiver's own link code, and what was verified."""
    draft = whole(Parties())
    one = judged(draft).outcome
    assert isinstance(one, Opened)
    assert (one.business, one.link_code.decode()) == (
        business,
        draft.parties.codes.issue(RECEIVER, CORE) if named else "",
    )
    assert (one.proof.decision is None) == (draft.permitted_with is None)


@every(CHAIN)
def test_a_question_meets_each_check(fault: Fault[Delivery]) -> None:
    """What is wrong in this place only is found there."""
    assert met(spoilt(inquiry(Parties()), fault)) == fault.code


@every(REFUSAL_FAULTS)
def test_a_refusal_meets_each_check(fault: Fault[Delivery]) -> None:
    """It is about nobody, on both sides of the hub."""
    assert met(spoilt(refusal(Parties()), fault)) == fault.code


@every(HUBS_FAULTS)
def test_a_refusal_of_the_hub_meets_each_check(fault: Fault[Delivery]) -> None:
    """It alone has no permit; everything else holds for it too."""
    assert met(spoilt(hubs_refusal(Parties()), fault)) == fault.code


@pytest.mark.parametrize("earlier", CHAIN, ids=str)
def test_of_two_faults_the_earlier_is_met(earlier: Fault[Delivery]) -> None:
    """Whatever else is wrong further down: the order of the checks is that of the list."""
    for first, later_one in pairs(CHAIN):
        if first is not earlier or (earlier.check == "receiver: edition" and later_one.check in UNTRUSTED):
            continue
        assert met(spoilt(inquiry(Parties()), later_one, earlier)) == earlier.code, later_one


# — the directory's edition


@pytest.mark.check("receiver: edition")
def test_a_permit_ahead_of_the_directory_is_waited_for() -> None:
    """Up to a minute, and no longer; once the edition is there the message is opened."""
    draft = inquiry(Parties())
    draft.decision["directory"] = EDITION + 1
    for _ in range(2):
        with pytest.raises(Unavailable):
            judged(draft)
        draft.parties.now = later(draft.parties.now, MINUTE / 2)
    assert met(draft) == SecurityCode.BAD_PERMIT
    draft.parties.directory.fold([draft.parties.beat(EDITION + 1)])
    assert met(draft) == "opened"


@pytest.mark.check("receiver: edition")
def test_a_key_that_comes_with_the_edition_is_waited_for() -> None:
    """The edition is looked at before the keys: a new key is not an unknown one while the directory is behind."""
    draft = inquiry(Parties())
    draft.decision["directory"] = EDITION + 1
    new = draft.parties.directory.keys.pop(draft.parties.world.keys["sign"].kid)
    with pytest.raises(Unavailable):
        judged(draft)
    draft.parties.publish(new)
    draft.parties.directory.fold([draft.parties.beat(EDITION + 1)])
    assert met(draft) == "opened"


@pytest.mark.check("receiver: edition")
def test_nobody_waits_for_an_edition_that_the_hub_did_not_name() -> None:
    """Else whoever writes to the topic could hold it up."""
    draft = inquiry(Parties())
    draft.decision["directory"] = EDITION + 1
    hub_forged(draft)
    assert met(draft) == SecurityCode.BAD_PERMIT
    assert draft.parties.opener.behind == {}
    fresh = inquiry(Parties())
    never_published(fresh)
    assert met(fresh) == SecurityCode.BAD_PERMIT


# — unwraps


@pytest.mark.check("receiver: quota of unwraps")
@pytest.mark.code("quota_exceeded")
def test_a_sender_has_a_quota_of_unwraps() -> None:
    """As many wraps an hour as the quota says; what is remembered is free, another hour begins anew."""
    parties = Parties(quota=1)
    assert [met(inquiry(parties)) for _ in range(3)] == ["opened"] * 3
    rewrapped = inquiry(parties)
    rewrapped.sent.parts["wrap"] = parties.world.content("sender", "wrap").wrapped
    assert met(rewrapped) == RefusalCode.QUOTA_EXCEEDED
    parties.now = later(NOW, 60 * MINUTE)
    assert met(rewrapped) == "opened"


def test_an_unwrapped_key_is_remembered_for_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """So long and no longer: then it is unwrapped anew (message.md section 3)."""
    parties, decapsulate, count = Parties(), suites.decapsulate, 0

    def counting(*given: Any) -> bytes:
        nonlocal count
        count += 1
        return decapsulate(*given)

    monkeypatch.setattr(suites, "decapsulate", counting)
    unwrapped = []
    for minutes in (0, 59, 60):
        parties.now = later(NOW, minutes * MINUTE)
        assert met(inquiry(parties)) == "opened"
        unwrapped.append(count)
    assert unwrapped == [2, 2, 4]


def test_a_redelivery_is_outside_the_quota() -> None:
    """What was opened is opened again, whatever has been counted since."""
    draft = inquiry(Parties())
    receiver = Receiver(draft.parties.opener, draft.parties.rest, draft.parties.directory, NO_DATABASE)
    message = draft.message()
    decided = receiver.judge(message, None).decided(message)
    draft.parties.opener.unwrapped.drop(next(iter(draft.parties.opener.unwrapped._entries)))
    draft.parties.opener.counted.put((RECEIVER, message.control.sender, NOW[:13]), UNWRAPS)
    assert decided.place == place(message)
    assert isinstance(receiver.judge(message, decided).outcome, Opened)


@pytest.mark.code("id_reused")
def test_a_source_covers_the_content_that_was_decided_there_alone() -> None:
    """Whoever writes inside the block, and claims the source of a message that was verified, gets nothing opened by it."""
    draft = inquiry(Parties())
    receiver = Receiver(draft.parties.opener, draft.parties.rest, draft.parties.directory, NO_DATABASE)
    decided = receiver.judge(draft.message(), None).decided(draft.message())
    other = replace(decided, digest=bytes(32))
    with pytest.raises(SecurityEvent) as caught:
        receiver.judge(draft.message(), other)
    assert caught.value.code == SecurityCode.ID_REUSED


def test_a_redelivery_is_opened_whatever_the_directory_says_now() -> None:
    """A key that was revoked since does not make a message forged that was opened."""
    draft = inquiry(Parties())
    receiver = Receiver(draft.parties.opener, draft.parties.rest, draft.parties.directory, NO_DATABASE)
    message = draft.message()
    decided = receiver.judge(message, None).decided(message)
    for name in ("sign", "wrap", "permit"):
        draft.parties.change_key(name, revoked=NOW)
    assert isinstance(receiver.judge(message, decided).outcome, Opened)
    assert met(draft) == SecurityCode.KEY_REVOKED
