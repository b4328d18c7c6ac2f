"""Decisions, exchanges, staff; and what the gateway may see of an agency's exchanges."""

from alembic import op

from services.runtime.decisions import TABLE
from services.runtime.migrations import isolated

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(TABLE.format(schema="exchange"))
    op.execute("""
        CREATE TABLE exchange.exchanges (
            agency text NOT NULL,
            id uuid NOT NULL,
            receiver text NOT NULL,
            basis text NOT NULL,
            item text NOT NULL,
            person bytea NOT NULL,
            state text NOT NULL CHECK (state IN ('open', 'answered', 'refused')),
            created timestamptz NOT NULL,
            expires timestamptz NOT NULL,
            completed timestamptz,
            control bytea,
            value bytea,
            sealed text,
            PRIMARY KEY (agency, id)
        );
        ALTER TABLE exchange.exchanges ALTER COLUMN value SET STORAGE EXTERNAL;
        CREATE TABLE exchange.staff (
            agency text NOT NULL,
            staff text NOT NULL,
            office text NOT NULL,
            role text NOT NULL,
            PRIMARY KEY (agency, staff, office, role)
        );
        CREATE VIEW exchange.progress AS
            SELECT agency, id, state, created, expires, completed, control, value, sealed FROM exchange.exchanges;
    """)
    op.execute(isolated("exchange.decisions", "renkei_exchange"))
    op.execute(isolated("exchange.exchanges", "renkei_exchange"))
    op.execute(isolated("exchange.staff", "renkei_exchange", "SELECT, INSERT, DELETE"))
    op.execute("GRANT USAGE ON SCHEMA exchange TO renkei_gateway; GRANT SELECT ON exchange.progress TO renkei_gateway")
