"""What is asked every day, and what comes back."""

from schemas.request import Posted
from services.operator import asking, residents
from services.operator.demo import (
    ANOTHER,
    APPLICANT,
    ELSEWHERE,
    FLAGGED,
    NEIGHBOUR,
    SPOUSE,
    UNLAWFUL,
)
from services.operator.demo.inquiring import SECONDS, ask, end, inquiry
from services.operator.demo.witnessing import overtaken
from services.operator.installation import Installation
from services.operator.waiting import reached


async def applicant(installation: Installation) -> str:
    """The applicant's local tax information, from the 1 January municipality in the same cloud."""
    return (await ask(installation, inquiry(NEIGHBOUR, APPLICANT))).outcome


async def spouse(installation: Installation) -> str:
    """A spouse of whom the other municipality has no copy."""
    return (await ask(installation, inquiry(ELSEWHERE, SPOUSE))).outcome


async def unlawful(installation: Installation) -> str:
    """Affairs that the law does not allow: the own side refuses, nothing reaches the network."""
    return (await ask(installation, inquiry(NEIGHBOUR, APPLICANT, UNLAWFUL))).outcome


async def flagged(installation: Installation) -> str:
    """自動応答不可: the answering side holds it for a person; the asker sees only that it waits."""
    posted = inquiry(ELSEWHERE, FLAGGED)
    (await asking.post_http(installation, posted)).raise_for_status()

    async def held() -> bool:
        return await _case(installation, posted) == "waiting_manual"

    await reached(held, SECONDS)
    await overtaken(installation, ELSEWHERE, ANOTHER)
    return f"{(await end(installation, posted, 0)).outcome}, {await _case(installation, posted)}"


async def twice(installation: Installation) -> str:
    """The same inquiry posted twice: one exchange, one answer."""
    posted = inquiry(NEIGHBOUR, APPLICANT)
    statuses = [(await asking.post_http(installation, posted)).status_code for _ in range(2)]
    answer = await end(installation, posted)
    answers = await asking.completions(installation, posted.question.id)
    return f"{statuses[0]} {statuses[1]} {answer.outcome}, {answers} answer"


async def both_ways(installation: Installation) -> str:
    """Posted over HTTP and over Kafka: the same answer."""
    over_http, posted = await ask(installation, inquiry(ELSEWHERE, ANOTHER)), inquiry(ELSEWHERE, ANOTHER)
    await asking.post_kafka(installation, posted)
    over_kafka = await end(installation, posted)
    return over_http.outcome if over_http.business == over_kafka.business else "different answers"


async def _case(installation: Installation, posted: Posted) -> str:
    """How the answering side sees it (処理状況)."""
    question = posted.question
    return await residents.case_state(installation, question.receiver, question.sender, question.id)
