"""What ends a message that may not pass: refusals, which are answered, and security events, which never are.

message.md section 5. Both carry the rule that forbids, and neither ever carries personal data.
"""

from enum import StrEnum
from typing import Final, Literal

from schemas.text import Record


class RefusalCode(StrEnum):
    """Why a message is refused; the asker is told."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    UNKNOWN_AGENCY = "unknown_agency"
    UNKNOWN_ITEM = "unknown_item"
    UNKNOWN_PERSON = "unknown_person"
    NOT_IN_LAW_TABLE = "not_in_law_table"
    CLASS_UNRESOLVED = "class_unresolved"
    ASSESSMENT_MISSING = "assessment_missing"
    ROLE_NOT_ALLOWED = "role_not_allowed"
    OFFICER_UNKNOWN = "officer_unknown"
    EXPIRED = "expired"
    ID_REUSED = "id_reused"
    TIMED_OUT = "timed_out"
    QUOTA_EXCEEDED = "quota_exceeded"
    NOT_ACCEPTING = "not_accepting"
    KEY_REVOKED = "key_revoked"
    INTERNAL_ERROR = "internal_error"


class SecurityCode(StrEnum):
    """What was wrong with a message that nobody may trust; recorded, never answered."""

    BAD_ASSERTION = "bad_assertion"
    BAD_SIGNATURE = "bad_signature"
    BAD_PERMIT = "bad_permit"
    UNKNOWN_KEY = "unknown_key"
    KEY_REVOKED = "key_revoked"
    WRONG_RECEIVER = "wrong_receiver"
    REPLAYED = "replayed"
    SUBJECT_MISMATCH = "subject_mismatch"
    COMMITMENT_MISMATCH = "commitment_mismatch"
    CLOCK_SKEW = "clock_skew"
    ID_REUSED = "id_reused"
    MALFORMED = "malformed"


class Refusal(Exception):
    """A message that can never succeed: `code`, and the rule that forbids it with its edition."""

    def __init__(self, code: RefusalCode, rule: str) -> None:
        super().__init__(f"{code}: {rule}")
        self.code, self.rule = code, rule


class SecurityEvent(Exception):
    """A message that nobody may act on. `detail` says what was expected, for the record of the own side."""

    def __init__(self, code: SecurityCode, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail = code, detail


Retry = Literal["no", "same_id", "new_id"]
"""Whether the same question may have another end if it is posted again: under the id that was refused, or under a new one
alone, since the id of an exchange that has ended is used up."""


class RefusalPart(Record):
    """The business part of a `refusal`; on `outbound.refused` and `exchange.completed` the own side's answer."""

    code: RefusalCode
    rule: str
    retry: Retry
    ja: str
    en: str
    outcome: Literal["refused"] = "refused"


def part_of(code: RefusalCode, rule: str, retry: Retry | None = None) -> RefusalPart:
    """The refusal as the asker reads it; `retry` where it is not as for others of this code."""
    ja, en, usual = TEXTS[code]
    return RefusalPart(code=code, rule=rule, retry=retry or usual, ja=ja, en=en)


TEXTS: Final[dict[RefusalCode, tuple[str, str, Retry]]] = {
    RefusalCode.MALFORMED: ("電文の形式が正しくありません。", "The message does not have the required form.", "no"),
    RefusalCode.TOO_LARGE: ("電文が上限を超えています。", "The message is larger than the limit.", "no"),
    RefusalCode.UNKNOWN_AGENCY: ("宛先の機関が登録されていません。", "The agency is not in the directory.", "no"),
    RefusalCode.UNKNOWN_ITEM: ("指定の特定個人情報は提供されていません。", "The item is not provided there.", "no"),
    RefusalCode.UNKNOWN_PERSON: ("対象者の符号がありません。", "The person has no link code.", "new_id"),
    RefusalCode.NOT_IN_LAW_TABLE: ("別表第二に該当しない照会です。", "The law table does not allow this.", "no"),
    RefusalCode.CLASS_UNRESOLVED: (
        "別表第二の該当を自動で判定できません。",
        "Whether the law table allows this cannot be decided by rule.",
        "no",
    ),
    RefusalCode.ASSESSMENT_MISSING: (
        "特定個人情報保護評価が済んでいません。",
        "The protection assessment for these affairs is missing.",
        "new_id",
    ),
    RefusalCode.ROLE_NOT_ALLOWED: ("この職責では扱えない事務です。", "The role may not handle these affairs.", "no"),
    RefusalCode.OFFICER_UNKNOWN: ("職員が登録されていません。", "The officer is not known to the agency.", "new_id"),
    RefusalCode.EXPIRED: ("有効期限を過ぎています。", "The message has expired.", "new_id"),
    RefusalCode.ID_REUSED: ("同じ番号で内容の異なる照会です。", "The id was used with other content.", "new_id"),
    RefusalCode.TIMED_OUT: ("期限までに応答がありませんでした。", "No answer came before the deadline.", "new_id"),
    RefusalCode.QUOTA_EXCEEDED: ("照会の上限に達しました。", "The quota is used up.", "new_id"),
    RefusalCode.NOT_ACCEPTING: ("受付時間外です。", "The agency does not accept inquiries at this hour.", "new_id"),
    RefusalCode.KEY_REVOKED: ("自機関の鍵が失効しています。", "The agency's own key is revoked.", "new_id"),
    RefusalCode.INTERNAL_ERROR: ("処理できませんでした。担当者に連絡してください。", "Internal error.", "new_id"),
}
"""Code → (Japanese, English, under which id a retry can help)."""
