"""What the running system did, read from its logs and topics: no case believes what it has done itself."""

from schemas.message import Message
from schemas.refusal import SecurityCode
from schemas.topics import Topic
from services.operator.demo import APPLICANT, NEIGHBOUR
from services.operator.demo.inquiring import SECONDS, ask, inquiry
from services.operator.history.steps import Block, Step, recorded
from services.operator.installation import Installation
from services.operator.waiting import reached
from services.runtime.errors import Unavailable
from services.runtime.kafka.scan import scan


async def records(installation: Installation, topic: Topic, exchange: str) -> list[Message]:
    """The records of an exchange that a topic holds; others may have put nonsense there."""
    found = await scan(installation.kafka(), topic)
    return [one for one in found if exchange.encode() in one.headers.get("control", b"")]


async def record_of(installation: Installation, topic: Topic, exchange: str, agency: str) -> Message:
    """The record of an exchange on an agency's side of a topic; `Unavailable` where it did not get so far."""
    for one in await records(installation, topic, exchange):
        if one.key == agency:
            return Message(one.key, one.value, one.headers)
    raise Unavailable(f"{topic} has no record of exchange {exchange} of {agency}")


async def security_event(installation: Installation, block: Block, exchange: str) -> str:
    """The code of the first security event that a block's log has of an exchange, once there is one."""

    async def found() -> list[Step]:
        steps = await recorded(installation, block, exchange)
        return [step for step in steps if step.finding.outcome in list(SecurityCode)]

    events = await reached(found, SECONDS)
    return events[0].finding.outcome if events else "no security event"


async def verdicts(installation: Installation, agency: str, exchange: str, last: str) -> str:
    """What the layers of an agency's linkage interface found about a question that came in, up to the layer `last`."""

    async def found() -> list[Step]:
        steps = await recorded(installation, "linkage", exchange)
        mine = [step for step in steps if (step.agency, step.control.kind) == (agency, "inquiry")]
        return mine if any(step.finding.layer == last for step in mine) else []

    steps = await reached(found, SECONDS)
    return ", ".join(f"{step.finding.layer}: {step.finding.outcome}" for step in steps) or "nothing recorded"


async def overtaken(installation: Installation, receiver: str = NEIGHBOUR, number: str = APPLICANT) -> None:
    """Until a question that was asked after everything else has been answered: one (sender, receiver) keeps its order, so
    what has not come by then does not come. `Unavailable` if it is not answered."""
    answer = await ask(installation, inquiry(receiver, number))
    if answer.outcome != "records":
        raise Unavailable(f"a lawful question to {receiver} ended as {answer.outcome}")
