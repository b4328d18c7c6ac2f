"""The three charts of the report, each a function from plans to SVG that stands in a page."""

from services.traffic.charts.by_hour import by_hour
from services.traffic.charts.by_population import by_population
from services.traffic.charts.fullest import fullest

__all__ = ["by_hour", "by_population", "fullest"]
