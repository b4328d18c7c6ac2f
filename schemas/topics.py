"""The one place where a topic's name is a string; who reads and writes it stands in `services/topology.py`."""

from dataclasses import dataclass
from typing import Final

PARTITIONS: Final = 12
"""Fixed: partition counts never change in place, or the order of an agency's messages would break."""


@dataclass(frozen=True, slots=True, eq=False)
class Topic:
    """A topic keyed by agency code; `about` is its line in AsyncAPI and in the README's map."""

    name: str
    about: str
    partitions: int = PARTITIONS
    compacted: bool = False
    append_time: bool = False
    """The broker's clock stamps the records, since the expiry of an assertion is judged against it."""
    room: int = 0
    """Bytes that a record may have beyond every other topic's limit."""

    def __str__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        """By name alone, as its hash: topics are keys of dictionaries for every message."""
        return isinstance(other, Topic) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


outbound_requested: Final = Topic(
    "outbound.requested", "An inquiry (照会依頼) as a business system posts it, with its assertion.", append_time=True
)
outbound_composed: Final = Topic("outbound.composed", "A complete message about an internal number.")
outbound_coded: Final = Topic(
    "outbound.coded", "The same about a link code; leaves the intermediate interface (PF通信)."
)
outbound_authorized: Final = Topic("outbound.authorized", "Allowed by law, partner and role on the own side.")
outbound_sealed: Final = Topic("outbound.sealed", "Signed and sealed for the receiver.")
outbound_refused: Final = Topic("outbound.refused", "Refused by the own side on the way out.")
network_submitted: Final = Topic("network.submitted", "Submitted to the network, keyed by sender.")
network_delivered: Final = Topic("network.delivered", "Permitted by the hub, keyed by receiver.")
inbound_sealed: Final = Topic("inbound.sealed", "Received from the network, still sealed.")
inbound_authorized: Final = Topic("inbound.authorized", "Judged by law, partner and role on the answering side.")
inbound_opened: Final = Topic("inbound.opened", "Verified and opened; enters the intermediate interface (PF通信).")
inbound_asked: Final = Topic("inbound.asked", "An inquiry about an internal number of the own side.")
inbound_answered: Final = Topic("inbound.answered", "An answer or refusal about an internal number of the own side.")
reference_requested: Final = Topic("reference.requested", "Keys to fetch from the reference database (参照用DB).")
reference_found: Final = Topic("reference.found", "What the reference database holds for them.")
replica_registered: Final = Topic("replica.registered", "A copy (副本) or flag that a business system registers.")
exchange_completed: Final = Topic("exchange.completed", "The answer or refusal that ends an exchange, for its asker.")
exchange_due: Final = Topic("exchange.due", "An exchange whose deadline has passed without an answer.")
intermediate_recorded: Final = Topic("intermediate.recorded", "Log of the intermediate interface (監査ログ, 業務ログ).")
linkage_recorded: Final = Topic("linkage.recorded", "Log of the linkage interface (アクセス記録, 監査ログ).")
record_quarantined: Final = Topic(
    "record.quarantined",
    "What a step cannot do, set aside with its reason, sealed for the operator; keyed by position.",
    compacted=True,
    room=128 * 1024,
)
hub_recorded: Final = Topic("hub.recorded", "Log of the hub: every permit, refusal and security event.")
directory: Final = Topic("directory", "Agencies, keys, policies and assessments, signed.", partitions=1, compacted=True)
