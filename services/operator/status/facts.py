"""What is known of an installation at one moment. Counts, names of services and topics, codes of agencies: nothing personal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from services.runtime.kafka.lags import Lag

State = Literal["ready", "waiting", "silent", "ended"]
"""Silent: it runs, or should, but does not answer. Ended: by itself, since a program that is stopped is forgotten."""


@dataclass(frozen=True)
class Unknown:
    """What could not be asked, and why."""

    reason: str


@dataclass(frozen=True)
class Program:
    """A process of the installation, or a server that is another's (without a process id)."""

    name: str
    state: State
    pid: int | None = None
    since: str | None = None
    memory: int | None = None
    """Bytes, with its children; what is shared counts once."""
    restarts: int = 0
    """How often it was started after it had ended by itself, since it was last stopped in order."""
    edition: int | None = None
    """Edition of the directory that is in force in it."""
    posts: int | None = None
    """Faulty posts over Kafka that it has met since it was started: dropped, or in another partition."""
    waiting: Mapping[str, str] = field(default_factory=dict)
    """What keeps it from its work, by loop."""


@dataclass(frozen=True)
class Beat:
    """The hub's last beat, as it stands on the directory's topic."""

    edition: int
    seconds: float
    """Its age."""
    settled: bool
    """Whether its edition is so old that every process ought to have it."""


@dataclass(frozen=True)
class Held:
    """What is in quarantine."""

    count: int
    position: str = ""
    """Of the oldest."""
    service: str = ""
    error: str = ""
    since: str = ""


@dataclass(frozen=True)
class Ending:
    """Agencies that will lack a key within a month, with the first few."""

    agencies: int
    ending: int
    first: Sequence[tuple[str, str, str]] = ()
    """Code, purpose, and until when a key of that purpose is held; the earliest first."""


@dataclass(frozen=True)
class Disk:
    """Where the installation's data is, in bytes."""

    folder: str
    free: int
    total: int


@dataclass(frozen=True)
class Facts:
    """All of it."""

    folder: str
    time: str
    programs: Sequence[Program]
    groups: Sequence[Lag] | Unknown
    beat: Beat | Unknown | None
    published: int | Unknown
    """Edition up to which the hub has published everything, by its table."""
    quarantine: Held | Unknown
    keys: Ending | Unknown
    disks: Sequence[Disk]
