"""What ends a message: two enumerations, as message.md section 5 lists them, and never anything personal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.refusal import TEXTS, Refusal, RefusalCode, RefusalPart, SecurityCode, SecurityEvent, part_of
from schemas.text import decoded
from tests.vectors.strategies import MANY, texts

REFUSALS = """
    malformed too_large unknown_agency unknown_item unknown_person not_in_law_table class_unresolved assessment_missing
    role_not_allowed officer_unknown expired id_reused timed_out quota_exceeded not_accepting key_revoked internal_error
"""
SECURITY_EVENTS = """
    bad_assertion bad_signature bad_permit unknown_key key_revoked wrong_receiver replayed subject_mismatch
    commitment_mismatch clock_skew id_reused malformed
"""


def test_the_codes_are_the_pages() -> None:
    """No code too many, none too few."""
    assert set(RefusalCode) == set(REFUSALS.split())
    assert set(SecurityCode) == set(SECURITY_EVENTS.split())


@pytest.mark.parametrize("code", RefusalCode)
def test_every_refusal_has_its_text_in_both_languages(code: RefusalCode) -> None:
    """A sentence in Japanese, one in English, and whether asking again can help."""
    japanese, english, retry = TEXTS[code]
    assert japanese.endswith("。")
    assert not japanese.isascii()
    assert english.endswith(".")
    assert english.isascii()
    part = part_of(code, "a rule")
    assert (part.code, part.rule, part.ja, part.en, part.retry) == (code, "a rule", japanese, english, retry)


def test_no_two_refusals_read_alike() -> None:
    """A member of staff can tell them apart."""
    for language in (0, 1):
        assert len({TEXTS[code][language] for code in RefusalCode}) == len(RefusalCode)


def test_asking_again_does_not_help_against_the_law() -> None:
    """What is forbidden or malformed stays so; what was missing, late or busy may change."""
    final = {code for code in RefusalCode if TEXTS[code][2] == "no"}
    assert {RefusalCode.NOT_IN_LAW_TABLE, RefusalCode.MALFORMED, RefusalCode.ROLE_NOT_ALLOWED} <= final
    assert final.isdisjoint({RefusalCode.EXPIRED, RefusalCode.TIMED_OUT, RefusalCode.NOT_ACCEPTING})


def test_retry_says_that_a_new_id_is_needed() -> None:
    """Wherever an exchange has ended, its id is used up; only what says so may be posted again under the same."""
    assert {TEXTS[code][2] for code in RefusalCode} == {"no", "new_id"}
    assert part_of(RefusalCode.ID_REUSED, "a rule").retry == "new_id"
    assert part_of(RefusalCode.TIMED_OUT, "a rule").retry == "new_id"
    assert part_of(RefusalCode.INTERNAL_ERROR, "a rule", "same_id").retry == "same_id"


@MANY
@given(st.sampled_from(list(RefusalCode)), texts)
def test_a_refusal_survives_its_bytes(code: RefusalCode, rule: str) -> None:
    """It travels as the sealed business part of a message of its own."""
    part = part_of(code, rule)
    assert decoded(RefusalPart, part.encoded(), 4096) == part
    assert part.outcome == "refused"


def test_exceptions_carry_code_and_rule() -> None:
    """For the answer, or for the own side's record."""
    refusal = Refusal(RefusalCode.EXPIRED, "expires 2026-12-01")
    assert (refusal.code, refusal.rule, str(refusal)) == (
        RefusalCode.EXPIRED,
        "expires 2026-12-01",
        "expired: expires 2026-12-01",
    )
    event = SecurityEvent(SecurityCode.BAD_PERMIT, "expected a permit")
    assert (event.code, event.detail, str(event)) == (
        SecurityCode.BAD_PERMIT,
        "expected a permit",
        "bad_permit: expected a permit",
    )


def test_a_refusal_is_no_security_event() -> None:
    """One is answered, the other never: nothing that catches one may catch both."""
    assert not issubclass(Refusal, SecurityEvent)
    assert not issubclass(SecurityEvent, Refusal)
    assert not issubclass(Refusal, ValueError)
