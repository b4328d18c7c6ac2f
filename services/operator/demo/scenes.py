"""The play: what each case shows, and what is expected of it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.directory import HUB
from services.operator.demo import deadline, duties, everyday, reuse, revoked, unlawful, wire
from services.operator.installation import Installation

NOWHERE: Final = "0 opened, 0 answered"


@dataclass(frozen=True)
class Scene:
    """What is shown, in plain words, what is expected, and what is done: it says what came of it."""

    shows: str
    expected: str
    act: Callable[[Installation], Awaitable[str]]


@dataclass(frozen=True)
class Part:
    """Scenes under one title."""

    title: str
    scenes: Sequence[Scene]


PARTS: Final = (
    Part(
        "児童扶養手当: who asks whom for what, and what comes back",
        (
            Scene("1 applicant's local tax information, answered automatically", "records", everyday.applicant),
            Scene("2 spouse without a record there", "no_data", everyday.spouse),
            Scene("3 affairs that the law does not allow", "not_in_law_table", everyday.unlawful),
            Scene("4 person flagged 自動応答不可", "waiting, waiting_manual", everyday.flagged),
            Scene("5 the same inquiry posted twice", "202 202 records, 1 answer", everyday.twice),
            Scene("6 over HTTP and over Kafka", "records", everyday.both_ways),
        ),
    ),
    Part(
        "what must not pass, and who stops it",
        (
            Scene(
                "7a case 3, the asker's own check left out: the hub refuses",
                f"not_in_law_table, said by {HUB}",
                unlawful.past_own_side,
            ),
            Scene(
                "7b case 3, permitted by a lying hub: the answering side refuses, unopened",
                "authorization: not_in_law_table, crypto: not_in_law_table, 0 opened",
                unlawful.past_the_hub,
            ),
            Scene(
                "8 the id of an answered inquiry, about another person",
                "records, then 409 and renkei.request.refused id_reused, still records",
                reuse.about_another,
            ),
            Scene("9a on the wire: a sealed message with one bit altered", f"bad_signature, {NOWHERE}", wire.altered),
            Scene("9b on the wire: a message that was delivered before", f"replayed, {NOWHERE}", wire.replayed),
            Scene("9c on the wire: the permit of another message", f"bad_permit, {NOWHERE}", wire.permit_of_another),
            Scene(
                "9d on the wire: another person than the sender committed to",
                f"subject_mismatch, {NOWHERE}",
                wire.about_another,
            ),
            Scene("10a an officer whose role may not handle the affairs", "role_not_allowed", duties.wrong_role),
            Scene("10b an agency assessed for other affairs alone", "assessment_missing", duties.unassessed),
            Scene(
                "11 a municipality's signing key is revoked",
                "records, then key_revoked to the asker, key_revoked at the hub",
                revoked.signing_key,
            ),
            Scene("12 nobody decides before the deadline", "timed_out", deadline.passes),
        ),
    ),
)
