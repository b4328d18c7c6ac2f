"""What the record of each topic carries: its key, its headers, its value. The one place where that is written down.

Whether a header `source` is there follows from the topology: inside a block it is, unless a tick made the record; nowhere
else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, get_args

from schemas import topics
from schemas.control import LIMIT as CONTROL_LIMIT
from schemas.jwe import LIMIT as JWE_LIMIT
from schemas.jwe import MEDIA_TYPE
from schemas.number import LIMIT as SUBJECT_LIMIT
from schemas.proof import LIMIT as PROOF_LIMIT
from schemas.quarantine import LIMIT as QUARANTINE_LIMIT
from schemas.request import ASSERTION_LIMIT
from schemas.text import AgencyCode, Digest
from schemas.topics import Topic
from schemas.wire.envelope import LIMITS

Schema = Mapping[str, Any]
Headers = Mapping[str, Schema]
BYTES: Final = "application/octet-stream"
JSON: Final = "application/json"


@dataclass(frozen=True)
class Carried:
    """One kind of record; `headers` are always there, `optional` ones not, by name."""

    name: str
    key: Schema
    headers: Headers
    value: Schema
    optional: Headers = field(default_factory=dict)
    content_type: str = BYTES
    ticked: bool = False
    """Whether a tick makes it, so that it enters its block where it stands."""
    others: bool = False
    """Whether a producer may add headers; `exchange` drops what it does not know."""


def _text(text: str, spelling: str = "") -> Schema:
    return {"type": "string", "description": text, **({"pattern": spelling} if spelling else {})}


def _json(file: str, text: str, limit: int) -> Schema:
    """A header that holds a document of the schema `file`."""
    inside = {"contentMediaType": JSON, "contentSchema": {"$ref": f"{file}.json"}}
    return {"type": "string", "description": f"{text} At most {limit} bytes.", **inside}


def _bytes(text: str, *opened: str) -> Schema:
    """Bytes that are no text; `opened` are the schemas of what the key's holder finds in them."""
    inside = {"x-opened": [{"$ref": f"{file}.json"} for file in opened]} if opened else {}
    return {"type": "string", "description": text, "contentMediaType": BYTES, **inside}


def _at_rest(*opened: str) -> Schema:
    return _bytes("Sealed under the data key of the key's agency: nonce, then AES-256-GCM.", *opened)


def _agency(text: str) -> Schema:
    return _text(text, get_args(AgencyCode)[1].pattern)


SENDER: Final = _agency("Code of the sending agency.")
RECEIVER: Final = _agency("Code of the receiving agency.")
SUBMITTED: Final = _text(
    "The key of the record that was submitted: its sender's code, unless somebody put another there."
)
OWN: Final = _agency("Code of the agency whose side this is.")
OWN_OR_NONE: Final = _text("The same; empty for a post under the key of none of this site.", "^([0-9A-Z]{6,13})?$")

CONTROL: Final = {"control": _json("control", "The control part (制御データ部); no byte of it changes.", CONTROL_LIMIT)}
SUBJECT: Final = {"subject": _bytes("n and an internal number, or c and a link code; sealed like the value.")}
SEALED: Final = {
    "sealed": _text("Id of the data key that value and subject are sealed under.", get_args(Digest)[1].pattern)
}
PROOF: Final = {"proof": _json("proof", "M, SHA-256(D) and permit time, as `crypto` verified them.", PROOF_LIMIT)}
TRAIL: Final = {"trail": _json("trail", "What each layer found, by which rule and edition.", CONTROL_LIMIT)}
REFUSAL: Final = {
    "refusal": _json("refusal_part", "Why the own side refuses what the control part says.", CONTROL_LIMIT)
}
TRACE: Final = {"traceparent": _text("W3C trace context; never used for a decision.")}
POSITION: Final = {"source": _text("Topic, partition and offset at which the message entered the block.")}

SAID: Final = {**CONTROL, **SEALED}
ABOUT: Final = {**CONTROL, **SUBJECT, **SEALED}
ENVELOPE: Final = {
    **CONTROL,
    "seal": _json("seal", "N: two commitments and the ids of the keys used.", LIMITS["seal"]),
    "wrap": _bytes(f"W: the content key, wrapped for the receiver. At most {LIMITS['wrap']} bytes."),
    "signature": _json("signature", "S over a batch, and this message's path in its tree.", LIMITS["signature"]),
}
FOR_HUB: Final = {"subject": _bytes("U: the sender's link code, sealed for the hub; none in a refusal.")}
PERMITTED: Final = {
    "subject": _bytes("U': the receiver's link code, sealed for the receiver; none in a refusal."),
    "permit": _json("permit", "情報提供許可証; none only in a refusal of the hub itself.", LIMITS["permit"]),
}
CLOUD_EVENT: Final = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_type": _text("What happened.", r"^renkei\.[a-z.]+$"),
    "ce_source": _text("Whose it is.", "^/agencies/[0-9A-Z]+$"),
    "ce_id": _text("An inquiry's id; or exchange id and position, by which readers deduplicate."),
    "content-type": _text("Media type of the value."),
}
POST: Final = {
    "post": _text("Of a post that was dropped, or stood in another partition: its topic, partition and offset.")
}
PREFIXED: Final = {
    name: _text(f"Taken where there is no header {name.removeprefix('ce_')}.")
    for name in ("ce_control", "ce_subject", "ce_assertion")
}
EVENT: Final = {name: schema for name, schema in CLOUD_EVENT.items() if name != "content-type"}
SEALED_EVENT: Final = {
    name: {"type": "string", "const": MEDIA_TYPE, "description": "Absent where the system has no valid answer key."}
    for name in ("content-type", "ce_datacontenttype")
}
POSTED: Final = {
    "control": _json("question", "What is asked of whom, by what right; any valid JSON.", CONTROL_LIMIT),
    "subject": _text("Internal number (既存番号), in clear; never 個人番号.", f"^[0-9A-Za-z]{{1,{SUBJECT_LIMIT}}}$"),
    "assertion": {
        "type": "string",
        "description": "JWT (EdDSA) of the posting system, with the claims of request_claims.json; `kid` names its key.",
        "contentMediaType": "application/jwt",
        "maxLength": ASSERTION_LIMIT,
    },
}
REGISTERED: Final = {
    "control": _json("registration", "What is registered, and for which year.", 4096),
    **SUBJECT,
    **SEALED,
}

ANY: Final = _at_rest("inquiry_part", "answer_part", "refusal_part")
ENDING: Final = _at_rest("answer_part", "refusal_part")
WIRE: Final = _bytes(
    "E: the padded business part, sealed for the receiver.", *("inquiry_part", "answer_part", "refusal_part")
)
JWE: Final = {
    "type": "string",
    "description": (
        "JWE in compact serialisation (ECDH-ES, A256GCM) to the answer key of the posting system that asked. Inside is the JSON"
        " that GET …/answer shows. Empty where the system has no valid answer key."
    ),
    "contentMediaType": MEDIA_TYPE,
    "maxLength": JWE_LIMIT,
    "x-opened": [
        {
            "type": "object",
            "properties": {
                "business": {"oneOf": [{"$ref": "answer_part.json"}, {"$ref": "refusal_part.json"}]},
                "control": {"$ref": "control.json"},
                "exchange": {"type": "string", "format": "uuid"},
                "state": {"enum": ["answered", "refused"]},
            },
            "required": ["business", "control", "exchange", "state"],
            "additionalProperties": False,
        }
    ],
}
NOTHING: Final = {"type": "string", "description": "Empty.", "maxLength": 0}
RECORD_KEY: Final = _text("Place of the record: type, agency, and of a key its id.", "^(agency|key|policy|assessment)/")
RECORD_HEADERS: Final = {
    "signature": _bytes(
        'Of the root key of the agency (of an assessment: of the hub) over ⟨"renkei/record/1", type, bytes⟩.'
    ),
    "edition": _text("Of the directory; unsigned: the beats that follow say what everything adds up to.", "^[0-9]+$"),
}

PLACE: Final = _text("Position of the original: topic, partition, offset.", "^[a-z_.]+/[0-9]+/[0-9]+$")
SET_ASIDE: Final = {"quarantined": _json("quarantined", "Which step set it aside and why.", QUARANTINE_LIMIT)}

CARRIED: Final[Mapping[Topic, tuple[Carried, ...]]] = {
    topics.outbound_requested: (
        Carried(
            "request", SENDER, POSTED, {"$ref": "inquiry_part.json"}, CLOUD_EVENT | PREFIXED | TRACE, JSON, others=True
        ),
    ),
    topics.outbound_composed: (Carried("composed", SENDER, SAID, ANY, SUBJECT | TRACE),),
    topics.outbound_coded: (Carried("coded", SENDER, SAID, ANY, SUBJECT | TRACE),),
    topics.outbound_authorized: (Carried("authorized", SENDER, SAID, ANY, SUBJECT | TRAIL | TRACE),),
    topics.outbound_sealed: (Carried("sealed", SENDER, ENVELOPE, WIRE, FOR_HUB | TRAIL | TRACE),),
    topics.outbound_refused: (Carried("refused", SENDER, ABOUT | REFUSAL, ANY, TRACE),),
    topics.network_submitted: (Carried("submitted", SENDER, ENVELOPE, WIRE, FOR_HUB | TRACE),),
    topics.network_delivered: (Carried("delivered", RECEIVER, ENVELOPE, WIRE, PERMITTED | TRACE),),
    topics.inbound_sealed: (Carried("received", RECEIVER, ENVELOPE, WIRE, PERMITTED | TRACE),),
    topics.inbound_authorized: (Carried("judged", RECEIVER, ENVELOPE | TRAIL, WIRE, PERMITTED | TRACE),),
    topics.inbound_opened: (Carried("opened", RECEIVER, SAID | PROOF, ANY, SUBJECT | TRACE),),
    topics.inbound_asked: (Carried("asked", RECEIVER, ABOUT | PROOF, _at_rest("inquiry_part"), TRACE),),
    topics.inbound_answered: (Carried("answered", RECEIVER, SAID | PROOF, ENDING, SUBJECT | TRACE),),
    topics.reference_requested: (Carried("looked_up", RECEIVER, ABOUT | PROOF, _at_rest("inquiry_part"), TRACE),),
    topics.reference_found: (Carried("found", RECEIVER, ABOUT | PROOF, _at_rest("found_part"), TRACE),),
    topics.replica_registered: (
        Carried(
            "registered", OWN, REGISTERED, _bytes("A JSON list of records of the item (items/), sealed like others.")
        ),
    ),
    topics.exchange_completed: (Carried("completed", OWN, EVENT, JWE, SEALED_EVENT | TRACE, MEDIA_TYPE),),
    topics.exchange_due: (Carried("due", SENDER, CONTROL, NOTHING, ticked=True),),
    topics.intermediate_recorded: (
        Carried("intermediate_record", OWN_OR_NONE, TRAIL, NOTHING, CONTROL | POST | TRACE),
    ),
    topics.linkage_recorded: (Carried("linkage_record", OWN, TRAIL, NOTHING, CONTROL | TRACE),),
    topics.record_quarantined: (
        Carried("quarantined", PLACE, SET_ASIDE, _bytes("The original, sealed for the operator (HPKE); else empty.")),
    ),
    topics.hub_recorded: (Carried("hub_record", SUBMITTED, TRAIL, NOTHING, CONTROL | TRACE),),
    topics.directory: (
        Carried("record", RECORD_KEY, RECORD_HEADERS, {"$ref": "directory_record.json"}, content_type=JSON),
        Carried("beat", {"type": "string", "const": "beat"}, {}, {"$ref": "beat.json"}, content_type=JSON),
    ),
}
"""By topic. An empty header is never sent."""
