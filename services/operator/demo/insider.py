"""Somebody who holds the keys of a municipality, or the hub's, and does with them what no service would."""

from dataclasses import dataclass

from schemas.directory import HUB
from schemas.request import Posted
from schemas.text import instant
from schemas.wire.envelope import Envelope
from services.crypto.sealing import Sealed, Sealer, signed
from services.hub.link_codes import LinkCodes
from services.hub.permitting import Permitter
from services.operator import residents
from services.operator.demo import bypassing
from services.operator.installation import Installation
from services.operator.tables import directory, now, rings
from services.runtime.rest import AtRest
from services.runtime.wrapping import ContentKeys


@dataclass(frozen=True)
class Insider:
    """A municipality's sealing, and the hub's permitting, without what is checked before."""

    installation: Installation
    sealer: Sealer
    permitter: Permitter

    async def sealed(self, posted: Posted) -> Sealed:
        """The question as its sender's `crypto` seals it, judged by nobody; yet unsigned."""
        control, code = bypassing.completed(posted), await self.link_code(posted.question.sender, posted.number)
        return self.sealer.seal(bypassing.authorized(self.installation, control, posted.business, code))

    async def permitted(self, posted: Posted) -> Envelope:
        """The question with the permit of a hub that does not ask whether the law allows it."""
        [envelope] = signed([await self.sealed(posted)])
        code = await self.link_code(posted.question.sender, posted.number)
        core = self.permitter.codes.core(posted.question.sender, code.decode())
        decision = self.permitter.decide(envelope, core)
        return self.permitter.permit([self.permitter.granted(envelope, core, decision)])[0]

    async def link_code(self, agency: str, number: bytes) -> bytes:
        """By which the agency names the person to the hub."""
        return await residents.link_code(self.installation, agency, number)


async def insider(installation: Installation) -> Insider:
    """With the keys as they are in the installation's folder, and the directory as it is now."""
    known, keys, hub = await directory(installation), rings(installation, "linkage"), rings(installation, "hub")
    codes = LinkCodes(hub.of(HUB).current("permutation", instant(now())).secret)
    sealer = Sealer(keys, AtRest(keys, now), known, ContentKeys(now), now)
    return Insider(installation, sealer, Permitter(hub, known, codes, ContentKeys(now), now))
