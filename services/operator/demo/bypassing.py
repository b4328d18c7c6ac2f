"""What somebody who can write to the log or a table could do past the services: for demo and tests, which show what it is
worth."""

from collections.abc import Sequence

from schemas import topics
from schemas.control import LIFETIME, Control
from schemas.message import Message
from schemas.request import Posted
from schemas.text import instant, later
from schemas.topics import Topic
from services.exchange import store
from services.exchange.accepting import PERSON
from services.exchange.store import Asked
from services.operator.installation import Installation
from services.operator.tables import at_rest, now, tables
from services.runtime.kafka.log import KafkaLog
from services.runtime.rest import LINK


async def publish(installation: Installation, records: Sequence[tuple[Topic, Message]]) -> None:
    """Puts records on topics, as anybody with access could."""
    log = KafkaLog(installation.kafka())
    try:
        await log.publish(records)
    finally:
        await log.close()


async def open_alone(installation: Installation, posted: Posted) -> Control:
    """An exchange in the tables as `exchange` opens it, of which no other service hears anything."""
    rest, control = at_rest(installation), completed(posted)
    asked = Asked(control, rest.index(control.sender, PERSON, posted.number))
    async with tables(installation, "exchange") as database, database.transaction({control.sender}) as connection:
        await store.open_exchanges(connection, [asked])
    return control


def completed(posted: Posted) -> Control:
    """The control part that `exchange` gives a request now."""
    created = instant(now())
    return posted.question.completed(created, posted.question.expires or later(created, LIFETIME))


def authorized(installation: Installation, control: Control, business: bytes, link_code: bytes) -> Message:
    """A message as `authorization` lets it go, of which `authorization` knows nothing."""
    said = control.encoded()
    sealed = at_rest(installation).seal(control.sender, said, {"value": business, "subject": LINK + link_code})
    headers = {"control": said, "subject": sealed["subject"], "sealed": sealed["sealed"]}
    return Message(control.sender, sealed["value"], headers)


async def ask_past_own_side(installation: Installation, posted: Posted, link_code: bytes) -> Control:
    """Opens an exchange and publishes its question without asking `authorization`."""
    control = await open_alone(installation, posted)
    message = authorized(installation, control, posted.business, link_code)
    await publish(installation, [(topics.outbound_authorized, message)])
    return control
