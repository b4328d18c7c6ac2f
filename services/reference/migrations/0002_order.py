"""Where the record stands that registered a copy or a flag: what is stored late does not undo what came after it."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for table in ("replicas", "flags"):
        op.execute(f"""
            ALTER TABLE reference.{table}
                ADD COLUMN log_offset bigint NOT NULL DEFAULT -1,
                ADD COLUMN appended bigint NOT NULL DEFAULT -1
        """)
