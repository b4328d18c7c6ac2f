"""An id is one question for ever."""

from schemas.message import Message
from services.operator import answers, asking
from services.operator.demo import ANOTHER, ELSEWHERE, SPOUSE
from services.operator.demo.inquiring import SECONDS, ask, end, inquiry
from services.operator.installation import Installation
from services.operator.waiting import reached


async def about_another(installation: Installation) -> str:
    """The id of an answered question, with another person: refused over HTTP and over Kafka, and the answer stays."""
    first = inquiry(ELSEWHERE, ANOTHER)
    before = await ask(installation, first)
    second = inquiry(ELSEWHERE, SPOUSE, exchange=first.question.id)
    status = (await asking.post_http(installation, second)).status_code
    await asking.post_kafka(installation, second)
    told = await _told_besides(installation, first.question.id)
    after = await end(installation, first)
    return f"{before.outcome}, then {status} and {told}, still {after.outcome if after == before else 'something else'}"


async def _told_besides(installation: Installation, exchange: str) -> str:
    """Type and code of what the asker is told under this id beside the answer, as an event of its own."""

    async def found() -> list[Message]:
        events = await answers.events(installation, exchange)
        return [one for one in events if one.headers["ce_id"] != f"{exchange}/0".encode()]

    events = await reached(found, SECONDS)
    return " ".join(
        f"{one.headers['ce_type'].decode()} {answers.opened(installation, one).said['code']}" for one in events
    )
