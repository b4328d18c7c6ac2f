"""The report page as a reader sees it: drawn by Chromium, kept as `build/traffic-report.png`."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import matplotlib.image
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from schemas.agencies import load_municipalities
from services.traffic.charts.drawing import PERIOD_COLOURS
from services.traffic.lines import Lines
from services.traffic.model import installation
from services.traffic.plan import plan_all
from services.traffic.report import report
from services.traffic.schedule import Window

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
PICTURE: Final = Path(__file__).parents[2] / "build" / "traffic-report.png"
WIDTH, HEIGHT = 1128, 4760
DEADLINE_SECONDS: Final = 60
QUIET: Final = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
"""The page is to be drawn without any network."""


@pytest.fixture
def browser() -> str:
    """Full path of the system's Chromium."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    pytest.skip(f"no Chromium is installed (looked for {', '.join(BROWSERS)}): the report page is not drawn")


def test_the_report_page_can_be_seen(browser: str, tmp_path: Path) -> None:
    """It fills the picture's width, and the colour of each period is on it."""
    page = tmp_path / "traffic.html"
    page.write_text(
        report(plan_all(installation(load_municipalities()), Lines(), Window()), Lines(), Window()), encoding="utf-8"
    )
    draw(browser, page, tmp_path)
    pixels = matplotlib.image.imread(PICTURE)[..., :3]
    assert pixels.shape[:2] == (HEIGHT, WIDTH)
    for colour in PERIOD_COLOURS.values():
        assert np.sum(np.all(np.abs(pixels - np.array(to_rgb(colour))) < 0.12, axis=2)) > 200


def draw(browser: str, page: Path, folder: Path) -> None:
    """Writes the picture, with a profile of its own that nothing else uses."""
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.unlink(missing_ok=True)
    options = [
        *QUIET,
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
        f"--user-data-dir={folder / 'profile'}",
        f"--window-size={WIDTH},{HEIGHT}",
        f"--screenshot={PICTURE}",
    ]
    subprocess.run([browser, *options, page.as_uri()], check=True, capture_output=True, timeout=DEADLINE_SECONDS)
