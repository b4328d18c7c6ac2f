"""How many inquiries an agency may open on a Japanese calendar day, where its own check policy (チェックポリシー) says so."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta, timezone
from typing import Final

from schemas.directory import PolicyRecord
from schemas.refusal import Refusal, RefusalCode
from schemas.text import moment
from services.exchange import store
from services.runtime.decisions import Place
from services.runtime.postgres import Connection

JAPAN: Final = timezone(timedelta(hours=9), "JST")


def day_of(instant: str) -> date:
    """The Japanese calendar day of an instant."""
    return moment(instant).astimezone(JAPAN).date()


@dataclass(frozen=True)
class Quotas:
    """What is left of that day for the agencies of one batch that have a quota."""

    day: date
    policies: Mapping[str, PolicyRecord]
    opened: Counter[str]
    _taken: set[Place] = field(default_factory=set)

    def take(self, place: Place) -> None:
        """Lets the request at this place be opened, however often it stands in the batch; else raises `Refusal`."""
        policy = self.policies.get(place[0])
        if policy is None or policy.quota is None or place in self._taken:
            return
        if self.opened[policy.agency] >= policy.quota:
            rule = f"check policy version {policy.version}: {policy.quota} inquiries a day"
            raise Refusal(RefusalCode.QUOTA_EXCEEDED, rule)
        self.opened[policy.agency] += 1
        self._taken.add(place)

    async def count(self, connection: Connection, agencies: Iterable[str]) -> None:
        """Remembers what was opened: an agency for each inquiry."""
        counts = Counter(agency for agency in agencies if agency in self.policies)
        await store.count_opened(connection, counts, self.day)


async def open_quotas(
    connection: Connection, agencies: Iterable[str], policies: Mapping[str, PolicyRecord], now: str
) -> Quotas:
    """The quotas of these agencies on the day of `now`, held until the transaction ends."""
    found = {agency: policies[agency] for agency in agencies if agency in policies}
    limited = {agency: policy for agency, policy in found.items() if policy.quota is not None}
    day = day_of(now)
    return Quotas(day, limited, Counter(await store.opened(connection, limited.keys(), day)))
