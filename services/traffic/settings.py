"""Lines and hours of an installation: environment variables `RENKEI_TRAFFIC_*`; an unknown one is an error."""

import os
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field, Json, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.agencies import checked
from services.runtime.errors import Misconfigured
from services.traffic.lines import Lines
from services.traffic.schedule import HOUR, Window

PREFIX: Final = "RENKEI_TRAFFIC_"

Kbps = Annotated[int, Field(gt=0)]


class TrafficSettings(BaseSettings):
    """What the model is told about access lines and the hours of a day in which they are used."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True)

    small_line: Kbps = 128
    """kbit/s of a municipality of up to `large_above` people."""
    large_line: Kbps = 10_000
    """kbit/s of a larger one."""
    large_above: int = Field(default=100_000, ge=0)
    """People. The study names four sizes only; that the line changes just here is assumed."""
    lines: Json[dict[Annotated[str, AfterValidator(checked)], Kbps]] = Field(
        default_factory=dict, validate_default=False
    )
    """Lines that are known, kbit/s by municipality code: `{"011002": 100000}`."""
    window_opens: int = Field(default=9, ge=0, le=23)
    """The hour of the clock at which sending begins; only for drawing, assumed."""
    window_hours: int = Field(default=8, ge=1, le=24)
    """Hours of a day in which is sent; eight in the study's mass inquiry."""

    def access_lines(self) -> Lines:
        """The lines of the installation."""
        return Lines(self.small_line, self.large_line, self.large_above, self.lines)

    def window(self) -> Window:
        """The hours of a day in which is sent."""
        return Window(self.window_hours * HOUR, self.window_opens)


def load(environment: Mapping[str, str] | None = None) -> TrafficSettings:
    """Settings from the environment; `Misconfigured` says which variable is wrong or unknown."""
    variables = os.environ if environment is None else environment
    named = {name: value for name, value in variables.items() if name.startswith(PREFIX)}
    known = {PREFIX + name.upper() for name in TrafficSettings.model_fields}
    if unknown := sorted(named.keys() - known):
        raise Misconfigured(f"unknown settings: {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    try:
        return TrafficSettings.model_validate(
            {name.removeprefix(PREFIX).lower(): value for name, value in named.items()}
        )
    except ValidationError as error:
        wrong = "; ".join(f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False))
        raise Misconfigured(wrong) from None
