"""The one error of this package."""


class InstallationError(Exception):
    """Something on this machine is missing or did not start; the text tells the operator what to do, without a traceback."""
