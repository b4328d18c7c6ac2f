"""Decisions, and the cases: every incoming inquiry's state, keys and answer."""

from alembic import op

from services.runtime.decisions import TABLE
from services.runtime.migrations import isolated

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(TABLE.format(schema="routing"))
    op.execute("""
        CREATE TABLE routing.cases (
            agency text NOT NULL,
            sender text NOT NULL,
            id uuid NOT NULL,
            exchange uuid NOT NULL,
            state text NOT NULL CHECK (state IN ('asked', 'answered', 'waiting_manual')),
            received timestamptz NOT NULL,
            expires timestamptz NOT NULL,
            control bytea NOT NULL,
            subject bytea NOT NULL,
            value bytea NOT NULL,
            sealed text NOT NULL,
            proof bytea NOT NULL,
            answer_control bytea,
            answer_subject bytea,
            answer_value bytea,
            answer_sealed text,
            PRIMARY KEY (agency, sender, id)
        );
        ALTER TABLE routing.cases ALTER COLUMN answer_value SET STORAGE EXTERNAL;
        CREATE INDEX open_cases ON routing.cases (agency, received) WHERE state = 'waiting_manual';
    """)
    op.execute(isolated("routing.decisions", "renkei_routing"))
    op.execute(isolated("routing.cases", "renkei_routing"))
