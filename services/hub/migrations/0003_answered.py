"""The one answer to each inquiry. Of an inquiry that was answered before this revision the answer is not known."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE hub.provisions ADD COLUMN answered uuid")
