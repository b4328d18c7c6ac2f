"""Decisions, and the effects that they had: `number` in the order in which they were had."""

from alembic import op

from services.runtime.decisions import TABLE
from services.runtime.migrations import isolated

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(TABLE.format(schema="second"))
    op.execute("""
        CREATE TABLE second.effects (
            agency text NOT NULL,
            id uuid NOT NULL,
            times integer NOT NULL,
            number bigint GENERATED ALWAYS AS IDENTITY,
            PRIMARY KEY (agency, id)
        )
    """)
    op.execute(isolated("second.decisions", "renkei_second"))
    op.execute(isolated("second.effects", "renkei_second"))
