"""What each SQL statement of the services does, on tables in memory: a function for every statement, and no other is known.

A function waits only for a row's lock. What a statement reads is what was committed when it began; a row that it locks is
read again once it has the lock (READ COMMITTED).
"""

from typing import Final

from services.exchange import store as exchange_store
from services.hub import store as hub_store
from services.id_conversion import store as id_conversion_store
from services.reference import store as reference_store
from services.routing import store as routing_store
from services.runtime import decisions as runtime_decisions
from tests.simulation.statements import decisions, exchange, hub, id_conversion, reference, routing
from tests.simulation.statements.rows import Statement

STATEMENTS: Final[dict[str, Statement]] = {
    runtime_decisions._RECALL: decisions.recall,
    runtime_decisions._SETTLE: decisions.settle,
    exchange_store._OPEN: exchange.open_exchanges,
    exchange_store._STANDING: exchange.standing_exchanges,
    exchange_store._FINISH: exchange.finish,
    exchange_store._DUE: exchange.due,
    exchange_store._OPENED: exchange.opened,
    exchange_store._COUNT_OPENED: exchange.count_opened,
    exchange_store._STAFF: exchange.staff,
    exchange_store._LISTED: exchange.listed_staff,
    exchange_store._LOAD_STAFF: exchange.load_staff,
    "DELETE FROM staff WHERE agency = $1": exchange.forget_staff,
    id_conversion_store._BY_NUMBER: id_conversion.by_number,
    id_conversion_store._BY_LINK_CODE: id_conversion.by_link_code,
    id_conversion_store._ENROLL: id_conversion.enroll,
    routing_store._OPEN: routing.open_cases,
    routing_store._STANDING: routing.standing_cases,
    routing_store._ANSWER: routing.answer,
    routing_store._PARK: routing.park,
    reference_store._FIND: reference.find,
    reference_store._MANUAL: reference.manual,
    reference_store._HAS_COPIES: reference.has_copies,
    reference_store._FLAGGED: reference.flagged,
    reference_store._REGISTER: reference.register,
    reference_store._FLAG: reference.flag,
    hub_store._PERSONS: hub.persons,
    hub_store._ADD_PERSONS: hub.add_persons,
    hub_store._PERMITTED: hub.permitted,
    hub_store._ANSWERED: hub.mark_answered,
    hub_store._RECORD: hub.record,
    hub_store._HAND_IN: hub.hand_in,
    hub_store._UNPUBLISHED: hub.unpublished,
    hub_store._PUBLISHED: hub.published,
    hub_store._PUBLISHED_AT: hub.published_at,
    hub_store._MARK: hub.mark,
    hub_store._LAST: hub.last_edition,
    hub_store._ALONE: hub.hand_in_lock,
}
"""By their very text: a statement that was changed is not known until its meaning here was changed too."""
