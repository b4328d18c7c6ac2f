"""Errors over HTTP as problem details (RFC 9457), in Japanese and English; never with anything that was sent."""

from fastapi.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """An answer other than the one asked for: HTTP status, a code for programs, a sentence for persons."""

    def __init__(self, status: int, code: str, ja: str, en: str, detail: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.ja, self.en, self.detail = status, code, ja, en, detail

    def response(self) -> JSONResponse:
        """The problem as it is sent; what may work later says when."""
        body = {"type": f"urn:renkei:problem:{self.code}", "title": self.en, "title_ja": self.ja, "status": self.status}
        headers = {"Retry-After": "2"} if self.status in RETRY else {}
        detail = {"detail": self.detail} if self.detail else {}
        return JSONResponse({**body, **detail}, status_code=self.status, media_type=MEDIA_TYPE, headers=headers)


RETRY = frozenset({404, 503})

AWAY = Problem(503, "unavailable", "一時的に利用できません。", "Temporarily unavailable; nothing was lost.")
UNASSERTED = Problem(401, "bad_assertion", "依頼元を確認できません。", "The assertion does not hold.")
TOO_LARGE = Problem(413, "too_large", "依頼が上限を超えています。", "The request is larger than the limit.")
NOT_SERVED = Problem(403, "not_served", "この機関は当拠点で扱っていません。", "This site does not serve the agency.")
UNKNOWN = Problem(404, "unknown_exchange", "この照会はありません。", "No such exchange, or it is not accepted yet.")
UNANSWERED = Problem(404, "no_answer_yet", "応答はまだありません。", "There is no answer yet.")


def malformed(detail: str) -> Problem:
    """What is wrong with the form of a request."""
    return Problem(
        400, "malformed", "依頼の形式が正しくありません。", "The request does not have the required form.", detail
    )
