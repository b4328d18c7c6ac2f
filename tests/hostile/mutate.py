"""Mutated records against hub and receiver: `python -m tests.hostile.mutate --count 1000000 --seed 1`.

Half of them are as anybody could make them who sees the log: nothing passes but what is a good record again. Of the other
half everything is signed again, by a sender and a hub that cheat, so that what lies behind the signatures is reached too.
Either way there are two exceptions in which a record may end, and no third; only a hub may make its receiver wait.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, Literal

from schemas.message import Message
from schemas.refusal import Refusal, SecurityEvent
from services.runtime.errors import Unavailable
from tests.hostile.cheating import Cheat
from tests.hostile.mutations import MUTATIONS, PARTS, Stock, part_of
from tests.hostile.parties import Hub, Parties, Receiver

Stage = Literal["submitted", "delivered"]
PASSED: Final = "passed"
WAITS: Final = "waits"
"""For a minute at most: the hub itself signed that it judged by an edition of the directory which is yet to come."""
MOST_FAULTS: Final = 20


@dataclass
class Run:
    """What became of the records so far."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Mutator:
    """Good records, who judges them, and chance."""

    chance: Random
    parties: Parties
    hub: Hub
    receiver: Receiver
    stock: Stock
    good: dict[Stage, set[tuple[bytes | str, ...]]]
    cheat: Cheat

    @classmethod
    def seeded(cls, seed: int) -> "Mutator":
        parties = Parties()
        submitted = [sent.submitted for sent in parties.sent]
        delivered = [*(sent.delivered for sent in parties.sent), parties.refused]
        good: dict[Stage, set[tuple[bytes | str, ...]]] = {
            "submitted": {_said(record, "submitted") for record in (*submitted, *delivered)},
            "delivered": {_said(record, "delivered") for record in delivered},
        }
        stock = Stock([*submitted, *delivered], list(parties.keys))
        return cls(Random(seed), parties, parties.hub(), parties.receiver(), stock, good, Cheat(parties))

    def run(self, count: int) -> Run:
        """So many records, each judged once."""
        run = Run()
        for _ in range(count):
            stage: Stage = self.chance.choice(("submitted", "delivered"))
            message, names = self._mutated(stage)
            cheated = self.chance.random() < 0.5
            if cheated:
                message = self.cheat.signed(message, stage)
            self._judge(run, stage, message, names, cheated)
            if len(run.faults) >= MOST_FAULTS:
                break
        return run

    def _mutated(self, stage: Stage) -> tuple[Message, Sequence[str]]:
        """A good record after one to three mutations; rarely one that was meant for the other stage."""
        records = self.stock.records if self.chance.random() < 0.05 else self._of(stage)
        names = self.chance.choices(list(MUTATIONS), k=self.chance.choice((1, 1, 1, 2, 3)))
        message = self.chance.choice(records)
        for name in names:
            message = MUTATIONS[name](self.chance, self.stock, message)
        return message, names

    def _of(self, stage: Stage) -> Sequence[Message]:
        half = len(self.parties.sent)
        return self.stock.records[:half] if stage == "submitted" else self.stock.records[half:]

    def _judge(self, run: Run, stage: Stage, message: Message, names: Sequence[str], cheated: bool) -> None:
        take: Callable[[Message], Any] = self.hub.take if stage == "submitted" else self.receiver.take
        kind = f"{stage}, signed again" if cheated else stage
        try:
            take(message)
        except (Refusal, SecurityEvent) as problem:
            run.counts[kind, str(problem.code)] += 1
        except Exception as error:
            if cheated and isinstance(error, Unavailable):
                run.counts[kind, WAITS] += 1
                return
            run.faults.append(f"{kind} {'+'.join(names)}: {type(error).__name__}: {error} of {message}")
        else:
            run.counts[kind, PASSED] += 1
            if not cheated and _said(message, stage) not in self.good[stage]:
                run.faults.append(f"{kind} {'+'.join(names)}: passed, and is no good record: {message}")
            if message.control.encoded() != message.headers["control"]:
                run.faults.append(f"{kind} {'+'.join(names)}: passed in another spelling: {message}")


def _said(message: Message, stage: Stage) -> tuple[bytes | str, ...]:
    """All that is said: key and parts. What a sender writes into `permit` is no part of a submission."""
    parts = [name for name in PARTS if stage == "delivered" or name != "permit"]
    return (message.key, *(part_of(message, name) for name in parts))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=20_000)
    options.add_argument("--seed", type=int, default=1)
    said = options.parse_args()
    started = time.monotonic()
    run = Mutator.seeded(said.seed).run(said.count)
    seconds = time.monotonic() - started
    for (kind, outcome), count in sorted(run.counts.items()):
        print(f"{kind:26} {outcome:24} {count:8}")
    print(f"{run.counts.total()} records in {seconds:.0f} s, {run.counts.total() / seconds:.0f} a second")
    for fault in run.faults:
        print(fault[:2_000], file=sys.stderr)
    return 1 if run.faults else 0


if __name__ == "__main__":
    sys.exit(main())
