"""Settings of a process: environment variables `RENKEI_*`; secrets are file paths; an unknown variable is an error."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.runtime.errors import Misconfigured

PREFIX = "RENKEI_"


class Settings(BaseModel):
    """What every process of an installation is told. No pydantic-settings: that would mix in the process's environment."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    kafka: str
    """host:port of the brokers, comma-separated."""
    postgres: str
    """postgresql://host:port/database, without a user: each service has a role of its own."""
    passwords: Path
    """Folder with one file a database role, named like the role."""
    keys: Path
    """Folder with one key ring a block and agency."""
    key_encryption_key: Path
    """File with the 32 bytes under which the key rings are sealed."""
    roots: Path
    """File of the enrolled root keys."""
    http: int = Field(ge=0, le=65535)
    """Port on 127.0.0.1 for /health, /ready, /metrics and the service's own pages."""
    patience: float = Field(default=60, gt=0)
    """Seconds that a start waits for each of Kafka with its topics, PostgreSQL with its migrations, and the directory."""
    grace: float = Field(default=3600, ge=0, le=31 * 24 * 3600)
    """Seconds that an asker waits longer than an inquiry's `expires`: the answer may be on its way."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    def password(self, role: str) -> str:
        """The password of a database role."""
        try:
            return (self.passwords / role).read_text().strip()
        except OSError as error:
            raise Misconfigured(f"no password file for role {role}: {error.strerror}") from None


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment; `Misconfigured` says which variable is missing, wrong or unknown."""
    variables = os.environ if environment is None else environment
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    unknown = sorted(name for name in variables if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise Misconfigured(f"unknown settings: {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    try:
        named = {name.removeprefix(PREFIX).lower(): value for name, value in variables.items() if name in known}
        return Settings.model_validate(named)
    except ValidationError as error:
        wrong = "; ".join(f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False))
        raise Misconfigured(wrong) from None
