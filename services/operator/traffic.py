"""`renkei traffic`: the study's traffic model for one line, for the country, for a load generator."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from schemas import canonical
from schemas.agencies import load_municipalities
from services.operator.console import screen
from services.runtime.errors import Misconfigured
from services.traffic import settings
from services.traffic.model import STUDY, Shares, installation
from services.traffic.plan import Plan, facts, find, plan, plan_all
from services.traffic.profile import load_profile
from services.traffic.schedule import HOUR, Sender, Window
from services.traffic.settings import TrafficSettings
from services.traffic.tables import tables
from services.traffic.use_cases import load_linkages

application = typer.Typer(
    name="traffic",
    help="Load of linkage on access lines (トラフィック量): plan a line, draw the country, describe a load.",
    no_args_is_help=True,
)


class ShareOf(enum.StrEnum):
    """Of whose total a population takes its share."""

    STUDY = "study"
    INSTALLATION = "installation"


@application.command("plan")
def show_plan(
    code: Annotated[str | None, typer.Argument(help="全国地方公共団体コード, six digits with check digit.")] = None,
    population: Annotated[int | None, typer.Option(help="An imagined municipality of so many people.")] = None,
    line: Annotated[int | None, typer.Option(help="Its line in kbit/s, if not the one of the settings.")] = None,
    window: Annotated[int | None, typer.Option(help="Hours of a day in which is sent.", min=1, max=24)] = None,
    share_of: Annotated[
        ShareOf | None,
        typer.Option(help="By default: with CODE the installation's people, with --population the study's."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One line of canonical JSON instead of tables.")] = False,
) -> None:
    """Loads of a municipality, use of its line in each period, and what must be scheduled."""
    try:
        planned = _planned(code, population, line, window, share_of)
    except (ValueError, Misconfigured) as error:
        raise typer.BadParameter(str(error)) from None
    if json:
        typer.echo(canonical.encode(facts(planned)))
    else:
        screen.print(tables(planned))


@application.command("report")
def write_report(
    output: Annotated[Path, typer.Option(help="File to write.")] = Path("build/traffic.html"),
) -> None:
    """One HTML page with charts of all municipalities; needs no network, neither to write nor to read."""
    from services.traffic.report import report  # draws with matplotlib, for which no other command should wait

    try:
        chosen = settings.load()
    except Misconfigured as error:
        raise typer.BadParameter(str(error)) from None
    lines, window = chosen.access_lines(), chosen.window()
    html = report(plan_all(installation(load_municipalities()), lines, window), lines, window)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(html, encoding="utf-8")
    typer.echo(f"wrote {output}")


@application.command("profile")
def show_profile() -> None:
    """A load generator's profile as canonical JSON: agencies, mix of messages, rates."""
    municipalities = load_municipalities()
    typer.echo(load_profile(municipalities, installation(municipalities), load_linkages()).encoded())


def _planned(
    code: str | None, population: int | None, line: int | None, window: int | None, share_of: ShareOf | None
) -> Plan:
    """ValueError says what cannot be planned, and why."""
    if (code is None) == (population is None):
        raise ValueError("give either the code of a municipality or --population, and not both")
    chosen = settings.load()
    municipality = find(code) if code is not None else None
    people = municipality.population if municipality else population or 0
    return plan(
        people, _shares(share_of, municipality is None), _sender(chosen, people, code, line, window), municipality
    )


def _shares(share_of: ShareOf | None, imagined: bool) -> Shares:
    by_default = ShareOf.STUDY if imagined else ShareOf.INSTALLATION
    return STUDY if (share_of or by_default) is ShareOf.STUDY else installation(load_municipalities())


def _sender(chosen: TrafficSettings, people: int, code: str | None, line: int | None, window: int | None) -> Sender:
    kbps = line if line is not None else chosen.access_lines().of(people, code or "")
    return Sender(kbps, Window(window * HOUR) if window is not None else chosen.window())
