"""Messages seen."""

from alembic import op

from services.runtime.decisions import TABLE
from services.runtime.migrations import isolated

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(TABLE.format(schema="crypto"))
    op.execute(isolated("crypto.decisions", "renkei_crypto"))
