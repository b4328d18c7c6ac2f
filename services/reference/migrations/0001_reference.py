"""Replicas (副本) and persons' flags (自動応答不可)."""

from alembic import op

from services.runtime.migrations import isolated

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE reference.replicas (
            agency text NOT NULL,
            person bytea NOT NULL,
            item text NOT NULL,
            layout integer NOT NULL,
            year integer NOT NULL,
            value bytea NOT NULL,
            control bytea NOT NULL,
            sealed text NOT NULL,
            PRIMARY KEY (agency, person, item, layout, year)
        );
        ALTER TABLE reference.replicas ALTER COLUMN value SET STORAGE EXTERNAL;
        CREATE TABLE reference.flags (
            agency text NOT NULL,
            person bytea NOT NULL,
            automatic boolean NOT NULL,
            PRIMARY KEY (agency, person)
        );
    """)
    op.execute(isolated("reference.replicas", "renkei_reference"))
    op.execute(isolated("reference.flags", "renkei_reference"))
