"""Synthetic copies for demo, tests and bench: of nobody, but of the catalogue's form."""

from typing import Any, Final

from schemas.catalogue import Characters, Field, Group, SignedNumber, load_catalogue

AMOUNT: Final = 1_234_567


def income_tax_certificate(year: int, amount: int = AMOUNT) -> dict[str, Any]:
    """所得課税証明書情報 of one fiscal year: every field of the layout filled, about two kilobytes in canonical JSON."""
    item = load_catalogue().item("income_tax_certificate", 1)
    assert item is not None
    return _group(item.group, year, amount)


def _group(group: Group, year: int, amount: int) -> dict[str, Any]:
    return {field.name: _value(field, year, amount) for field in group.fields}


def _value(field: Field, year: int, amount: int) -> Any:
    match field.shape:
        case Group():
            return _group(field.shape, year, amount)
        case SignedNumber():
            return amount
        case Characters():
            return str(year)[: field.shape.digits] if field.shape.digits > 1 else "1"
