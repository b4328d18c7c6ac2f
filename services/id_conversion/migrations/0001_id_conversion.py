"""The code conversion table (コード変換テーブル)."""

from alembic import op

from services.runtime.migrations import isolated

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE id_conversion.codes (
            agency text NOT NULL,
            number bytea NOT NULL,
            link_code bytea NOT NULL,
            sealed_number bytea NOT NULL,
            sealed_link_code bytea NOT NULL,
            sealed text NOT NULL,
            PRIMARY KEY (agency, number),
            UNIQUE (agency, link_code)
        )
    """)
    op.execute(isolated("id_conversion.codes", "renkei_id_conversion"))
