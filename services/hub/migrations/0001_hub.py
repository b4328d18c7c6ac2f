"""Decisions, persons, provisions, publications."""

from alembic import op

from services.runtime.decisions import TABLE
from services.runtime.migrations import isolated

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(TABLE.format(schema="hub"))
    op.execute("""
        CREATE TABLE hub.persons (
            agency text NOT NULL,
            core bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
            PRIMARY KEY (agency, core)
        );
        CREATE TABLE hub.provisions (
            agency text NOT NULL,
            id uuid NOT NULL,
            provider text NOT NULL,
            basis text NOT NULL,
            item text NOT NULL,
            core bigint,
            expires timestamptz NOT NULL,
            decided timestamptz NOT NULL,
            PRIMARY KEY (agency, id)
        );
        CREATE SEQUENCE hub.editions;
        CREATE TABLE hub.publications (
            agency text NOT NULL,
            place text NOT NULL,
            record bytea NOT NULL,
            signature bytea NOT NULL,
            edition bigint NOT NULL DEFAULT nextval('hub.editions'),
            published boolean NOT NULL DEFAULT false,
            PRIMARY KEY (agency, place)
        );
        CREATE INDEX publications_by_edition ON hub.publications (edition);
        GRANT USAGE ON SEQUENCE hub.editions TO renkei_hub;
    """)
    for table in ("decisions", "persons", "provisions", "publications"):
        op.execute(isolated(f"hub.{table}", "renkei_hub"))
