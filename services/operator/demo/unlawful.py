"""A question that the law does not allow, whose own side does not refuse it: the others do not rely on that."""

from schemas import topics
from schemas.message import Message
from services.operator import residents
from services.operator.demo import APPLICANT, NEIGHBOUR, UNLAWFUL, bypassing
from services.operator.demo.inquiring import end, inquiry
from services.operator.demo.insider import insider
from services.operator.demo.witnessing import overtaken, records, verdicts
from services.operator.installation import Installation


async def past_own_side(installation: Installation) -> str:
    """Published one layer later than `authorization`: the hub judges it, and says so."""
    posted = inquiry(NEIGHBOUR, APPLICANT, UNLAWFUL)
    code = await residents.link_code(installation, posted.question.sender, posted.number)
    await bypassing.ask_past_own_side(installation, posted, code)
    answer = await end(installation, posted)
    return f"{answer.outcome}, said by {answer.sender}"


async def past_the_hub(installation: Installation) -> str:
    """Permitted by a hub that lies: the answering side judges by itself, and never opens it."""
    posted = inquiry(NEIGHBOUR, APPLICANT, UNLAWFUL)
    envelope = await (await insider(installation)).permitted(posted)
    delivered = Message(NEIGHBOUR, envelope.value, envelope.headers())
    await bypassing.publish(installation, [(topics.network_delivered, delivered)])
    found = await verdicts(installation, NEIGHBOUR, posted.question.id, "crypto")
    await overtaken(installation)
    opened = await records(installation, topics.inbound_opened, posted.question.id)
    return f"{found}, {len(opened)} opened"
