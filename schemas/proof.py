"""The header `proof`: what `crypto` verified when it opened a message; `routing` and `exchange` get it unchanged."""

from schemas.text import Digest, Instant, Record, decoded, to_bytes

LIMIT = 1024


class Proof(Record):
    """M, SHA-256(D) and the permit's time; a refusal of the hub has no permit, so neither decision nor its time."""

    message: Digest
    decision: Digest | None = None
    time: Instant

    @property
    def identity(self) -> bytes:
        return to_bytes(self.message)


def read(data: bytes) -> Proof:
    """The proof of a record from the linkage interface."""
    return decoded(Proof, data, LIMIT)
