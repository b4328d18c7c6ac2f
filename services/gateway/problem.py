"""The gateway's own problems; those of every process that serves pages are the runtime's."""

from dataclasses import replace
from typing import Final

from services.runtime.problem import Problem

SOON: Final = {"Retry-After": "1"}
"""An answer takes about a third of a second; the header knows whole seconds alone."""

MALFORMED: Final = Problem(
    400, "malformed", "依頼の形式が正しくありません。", "The request does not have the required form."
)
UNASSERTED: Final = Problem(
    401,
    "bad_assertion",
    "依頼元を確認できません。",
    "The assertion does not hold.",
    headers={"WWW-Authenticate": "Bearer"},
)
NOT_SERVED: Final = Problem(
    403, "not_served", "この機関は当拠点で扱っていません。", "This site does not serve the agency."
)
UNKNOWN: Final = Problem(
    404, "unknown_exchange", "この照会はありません。", "No such exchange, or it is not accepted yet.", headers=SOON
)
UNANSWERED: Final = Problem(404, "no_answer_yet", "応答はまだありません。", "There is no answer yet.", headers=SOON)
TOO_SLOW: Final = Problem(
    408, "too_slow", "依頼の受信に時間がかかりすぎました。", "The request took too long to arrive."
)
REUSED: Final = Problem(
    409, "id_reused", "同じ番号で内容の異なる照会です。", "The id was used with other content; nothing was posted."
)
TOO_LARGE: Final = Problem(413, "too_large", "依頼が上限を超えています。", "The request is larger than the limit.")
NOT_JSON: Final = Problem(
    415, "not_json", "JSON形式で送信してください。", "Expected application/json in UTF-8, without content coding."
)


UNKNOWN_ITEM: Final = Problem(
    400,
    "unknown_item",
    "指定の特定個人情報はカタログにありません。",
    "The catalogue does not have the item with this layout; nothing was posted.",
)
UNKNOWN_EDITION: Final = Problem(
    400,
    "unknown_edition",
    "別表第二の版が登録されていません。",
    "The edition of the law table is not known here; nothing was posted.",
)


def detailed(problem: Problem, detail: str) -> Problem:
    """The same, with the field and what is expected there."""
    return replace(problem, detail=detail)


def malformed(detail: str) -> Problem:
    """What is wrong with the form of a request."""
    return detailed(MALFORMED, detail)
