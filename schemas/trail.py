"""The trail: what each layer of a block decided, by which rule and edition. It stays in the block, for its ledger."""

from functools import lru_cache
from typing import Annotated, Final

from pydantic import Field

from schemas.text import Count, Label, Name, Record, decoded

ALLOWED: Final = "allowed"
LIMIT: Final = 16 * 1024


class Finding(Record):
    """One layer's decision: `allowed`, or the code of a refusal or security event, and the rule with its edition."""

    layer: Name
    outcome: Name
    rule: Annotated[str, Field(max_length=256)]
    edition: Count
    """Edition of the directory that was in force."""


class Trail(Record):
    """The findings so far, in the order of the layers."""

    findings: list[Finding] = Field(default_factory=list)

    def verdict(self, layer: Label) -> Finding | None:
        """The last finding of a layer."""
        return next((finding for finding in reversed(self.findings) if finding.layer == layer), None)


@lru_cache(4096)
def read(data: bytes) -> Trail:
    """The trail in a record's header; empty at the block's entrance. Anything else is `canonical.Malformed`."""
    return decoded(Trail, data, LIMIT) if data else Trail()


@lru_cache(4096)
def extended(data: bytes, finding: Finding) -> bytes:
    """The header `trail` with one finding more; nothing in it is of one message alone, so that it is made once."""
    return Trail(findings=[*read(data).findings, finding]).encoded()
