"""May this agency ask that agency for this item, for these affairs, by an officer of this role? (認証・認可)

Judged by law table, assessment duty and check policy, from the control part and the directory alone: the path is the same
whether the person exists or not.
"""

from dataclasses import dataclass
from typing import Protocol

from schemas.catalogue import Catalogue
from schemas.control import Control
from schemas.directory import AgencyRecord, AssessmentRecord, PolicyRecord
from schemas.law import LawTable
from schemas.refusal import Refusal, RefusalCode


class Register(Protocol):
    """What a judgement needs of the directory."""

    agencies: dict[str, AgencyRecord]
    policies: dict[str, PolicyRecord]
    assessments: dict[str, AssessmentRecord]


@dataclass(frozen=True)
class Rules:
    """The law table and the catalogue by which messages are judged."""

    law: LawTable
    catalogue: Catalogue


def judge(control: Control, register: Register, rules: Rules) -> str:
    """The rule that allows the message, for the record; raises `Refusal` with the rule that forbids it.

    In this order: nobody is acted for without a delegation (委任), both agencies and the item are known, the law table has
    the line (別表第二), the inquirer has met its assessment duty (特定個人情報保護評価), the sender's officer has a role for
    the affairs (職責), and the receiver accepts inquiries at that hour (受付時間). What can never succeed is said first.
    """
    rule = judge_law(control, register, rules)
    _in_role(control, register)
    _accepted(control, register)
    return rule


def judge_law(control: Control, register: Register, rules: Rules) -> str:
    """What the hub judges too: delegation, agencies, item, law table and assessment duty; offices and hours are not its
    affair, but the agencies' own."""
    if control.on_behalf_of is not None:  # the directory has no records of delegations yet
        raise Refusal(RefusalCode.NOT_IN_LAW_TABLE, "directory: no delegation")
    inquirer, provider = (_agency(register, code) for code in parties(control))
    rule = _lawful(control, inquirer, provider, rules)
    _assessed(control, register, inquirer.agency)
    return rule


def parties(control: Control) -> tuple[str, str]:
    """(情報照会者, 情報提供者): who asks and who provides, whichever way the message goes."""
    asked = control.kind == "inquiry"
    return (control.sender, control.receiver) if asked else (control.receiver, control.sender)


def _agency(register: Register, code: str) -> AgencyRecord:
    record = register.agencies.get(code)
    if record is None:
        raise Refusal(RefusalCode.UNKNOWN_AGENCY, "directory: agency")
    return record


def _lawful(control: Control, inquirer: AgencyRecord, provider: AgencyRecord, rules: Rules) -> str:
    item = rules.catalogue.item(control.item.name, control.item.layout)
    if item is None or not provider.provides(control.item):
        raise Refusal(RefusalCode.UNKNOWN_ITEM, "directory: items of the provider")
    basis = control.basis
    if basis.source != "table2":
        raise Refusal(RefusalCode.NOT_IN_LAW_TABLE, f"table2 {rules.law.edition}")
    if basis.edition != rules.law.edition:
        raise Refusal(RefusalCode.NOT_IN_LAW_TABLE, f"unknown edition: expected table2 {rules.law.edition}")
    judgement = rules.law.judge(
        basis.row,
        basis.branch,
        inquirer_classes=inquirer.classes,
        provider_classes=provider.classes,
        information=item.information,
    )
    if judgement.refusal is not None:
        raise Refusal(judgement.refusal, judgement.rule)
    return judgement.rule


def _assessed(control: Control, register: Register, inquirer: str) -> None:
    assessment = register.assessments.get(inquirer)
    if assessment is None or not assessment.covers(control.basis.row):
        raise Refusal(RefusalCode.ASSESSMENT_MISSING, f"number act art. 27: row {control.basis.row}")


def _in_role(control: Control, register: Register) -> None:
    policy = register.policies.get(control.sender)
    if policy is None or not policy.allows(control.officer, control.basis):
        version = policy.version if policy else 0
        raise Refusal(RefusalCode.ROLE_NOT_ALLOWED, f"check policy version {version}: row {control.basis.row}")


def _accepted(control: Control, register: Register) -> None:
    """By `created`, not by a clock: both sides judge alike, whenever they do."""
    receiver = register.agencies.get(control.receiver)
    if control.kind == "inquiry" and receiver and receiver.hours and not receiver.hours.include(control.created):
        raise Refusal(RefusalCode.NOT_ACCEPTING, f"directory: hours of {control.receiver}")
