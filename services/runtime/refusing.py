"""A block's one composer of refusals: what is wrong on the way in is answered by one message of its own."""

from schemas.control import Control, replying
from schemas.message import Emit, Message
from schemas.proof import Proof
from schemas.refusal import Refusal, part_of
from schemas.topics import Topic
from schemas.wire.frame import derived_id
from services.runtime.rest import AtRest


def compose(message: Message, proof: Proof, refusal: Refusal, rest: AtRest, topic: Topic) -> Emit:
    """The refusal of `message`, on its way to be sealed; the same whenever it is composed again."""
    control = refusing(message.control, proof).encoded()
    business = part_of(refusal.code, refusal.rule).encoded()
    sealed = rest.seal(message.key, control, {"value": business})
    return message.caused(topic, sealed["value"], {"control": control, "sealed": sealed["sealed"]})


def refusing(cause: Control, proof: Proof) -> Control:
    """The control part of a refusal: created at the permit's time, expiring with its cause, id derived from it."""
    return replying(
        cause,
        "refusal",
        id=derived_id(proof.identity, "refusal", cause.sender, 0),
        message=proof.message,
        decision=proof.decision,
        created=proof.time,
        expires=cause.expires,
    )
