"""The record that stands at each place of the directory's table, and whether the log's last record there is the same.

The topic is compacted: an older record that somebody puts there again removes the newer one, and a process that starts later
never sees what was revoked. So the digest of the whole table is part of the hub's beat, and the hub publishes again what
the log no longer has.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field

from schemas.directory import AnyRecord, place, table_digest


@dataclass
class Standing:
    """Version and SHA-256 of the record at each place."""

    _records: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    _logged: set[str] = field(default_factory=set)
    """Places where the last record of the log is the one that stands."""
    _digest: str | None = None

    def put(self, record: AnyRecord, data: bytes) -> None:
        """The record, spelled as `data`, stands at its place; an older one does not replace a newer."""
        where = place(record)
        if where not in self._records or record.version > self._records[where][0]:
            self._records[where], self._digest = (record.version, hashlib.sha256(data).digest()), None
            self._logged.discard(where)

    def holds(self, where: str, data: bytes) -> bool:
        """Whether this very record stands there."""
        return where in self._records and self._records[where][1] == hashlib.sha256(data).digest()

    def logged(self, where: str, data: bytes) -> None:
        """The log has this record at the place, whatever became of it."""
        if self.holds(where, data):
            self._logged.add(where)
        else:
            self._logged.discard(where)

    def missing(self) -> Collection[str]:
        """Places where the log has nothing, or something else."""
        return self._records.keys() - self._logged

    def digest(self) -> str:
        """Of the whole table, as the hub signs it."""
        if self._digest is None:
            self._digest = table_digest({where: data for where, (_, data) in self._records.items()})
        return self._digest
