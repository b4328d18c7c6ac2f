"""Which posting system has opened an exchange; one that was opened before this revision is of `default`."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE exchange.exchanges ADD COLUMN system text NOT NULL DEFAULT 'default';
        CREATE OR REPLACE VIEW exchange.progress AS
            SELECT agency, id, state, created, expires, completed, control, value, sealed, system
            FROM exchange.exchanges;
    """)
