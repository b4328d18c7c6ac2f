"""What is needed to end an exchange by its deadline, and to count what an agency opens in a day.

An exchange that was opened before this revision has no `asked`, and is not ended by a deadline.
"""

from alembic import op

from services.runtime.migrations import isolated

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE exchange.exchanges ADD COLUMN asked bytea;
        CREATE INDEX exchanges_due ON exchange.exchanges (expires) WHERE state = 'open';
        CREATE TABLE exchange.openings (
            agency text NOT NULL,
            day date NOT NULL,
            count integer NOT NULL,
            PRIMARY KEY (agency, day)
        );
    """)
    op.execute(isolated("exchange.openings", "renkei_exchange"))
