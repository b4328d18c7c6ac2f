"""A matplotlib figure as SVG in a page: text stays text, and the reader's browser draws Japanese with its own fonts."""

import io
import re
import warnings
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK: Final = "#1b2733"
FAINT: Final = "#66737f"
GRID: Final = "#dfe5ea"
LINE: Final = "#1b2733"
OVER: Final = "#b3261e"
PERIOD_COLOURS: Final = MappingProxyType({"normal": "#1c7ed6", "busy": "#2b8a3e", "mass_inquiry": "#e8590c"})
"""Told apart without colour too: each is labelled where it is drawn."""

STYLE: Final[MappingProxyType[Any, Any]] = MappingProxyType(
    {
        "svg.fonttype": "none",
        "font.family": "DejaVu Sans",  # only measured with; the page's style sheet names the fonts that are drawn
        "font.size": 9,
        "text.color": INK,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
    }
)
NO_METADATA: Final = MappingProxyType({"Date": None, "Creator": None, "Format": None, "Type": None})
"""The same plans give the same bytes, and the page names no address on the network."""


def svg(identifier: str, size: tuple[float, float], paint: Callable[[Figure], None]) -> str:
    """What `paint` draws on a figure of `size` inches; every id in it begins with `identifier`."""
    written = io.StringIO()
    with mpl.rc_context({**STYLE, "svg.hashsalt": identifier}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # no glyph of ours is drawn
        figure = Figure(figsize=size)
        paint(figure)
        figure.savefig(written, format="svg", metadata=dict(NO_METADATA), transparent=True)
    return _embedded(written.getvalue(), identifier)


def title(axes: Axes, japanese: str, english: str) -> None:
    """Above the plot, left."""
    axes.set_title(f"{japanese}  {english}", loc="left", fontsize=10, fontweight="bold", pad=8)


def _embedded(document: str, identifier: str) -> str:
    """Without XML prologue and metadata, and with ids that no other chart of the page has."""
    element = re.sub(r"\s*<metadata>.*?</metadata>", "", document[document.index("<svg") :], flags=re.DOTALL)
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{identifier}-", element)
