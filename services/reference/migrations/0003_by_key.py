"""Row-level security that lets the planner look rows up by their keys."""

from alembic import op

from services.runtime.migrations import isolated_by_key

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute(isolated_by_key("reference.replicas", "reference.flags"))
