"""What openapi.json shows: one exchange, of synthetic people."""

from typing import Any, Final

ID: Final = "019ab1c2-0000-7000-8000-000000000001"
_CREATED, _EXPIRES = "2026-11-24T09:00:00.000Z", "2026-12-01T09:00:00.000Z"
_COMPLETED: Final = "2026-11-24T09:00:00.431Z"
_ASKED: Final[dict[str, Any]] = {
    "basis": {"edition": "2015-12-27", "row": "57", "branch": 2},
    "item": {"name": "income_tax_certificate", "layout": 1},
}

INQUIRY: Final[dict[str, Any]] = {
    "control": {
        "id": ID,
        "sender": "221309",
        "receiver": "221007",
        **_ASKED,
        "officer": {"office": "子育て支援課", "role": "allowance_clerk", "staff": "hamamatsu-0107"},
    },
    "subject": "SYN0000001",
    "business": {"period": {"year": 2026}},
}
ACCEPTED: Final[dict[str, Any]] = {"exchange": ID, "state": "requested"}
PROGRESS: Final[dict[str, Any]] = {
    "exchange": ID,
    "state": "answered",
    "created": _CREATED,
    "expires": _EXPIRES,
    "completed": _COMPLETED,
}
ANSWER: Final[dict[str, Any]] = {
    "exchange": ID,
    "state": "answered",
    "control": {
        "v": 1,
        "id": "019ab1c2-0000-8000-8000-000000000002",
        "exchange": ID,
        "position": 0,
        "kind": "response",
        "sender": "221007",
        "receiver": "221309",
        **_ASKED,
        "officer": "auto",
        "mode": "online",
        "in_reply_to": {"id": ID, "message": "A" * 43, "decision": "A" * 43},
        "created": _COMPLETED,
        "expires": _EXPIRES,
    },
    "business": {"outcome": "no_data"},
}
