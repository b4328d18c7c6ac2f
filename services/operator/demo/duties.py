"""Who may ask at all: an officer whose role has the affairs, of an agency that has done its assessment."""

from services.operator.demo import APPLICANT, NEIGHBOUR, RECEPTIONIST, RESIDENT, UNASSESSED
from services.operator.demo.inquiring import ask, inquiry
from services.operator.installation import Installation


async def wrong_role(installation: Installation) -> str:
    """職責: a receptionist of the same office asks what a clerk may ask."""
    return (await ask(installation, inquiry(NEIGHBOUR, APPLICANT, officer=RECEPTIONIST))).outcome


async def unassessed(installation: Installation) -> str:
    """特定個人情報保護評価: the asking agency has done it for other affairs alone."""
    return (await ask(installation, inquiry(NEIGHBOUR, RESIDENT, sender=UNASSESSED))).outcome
