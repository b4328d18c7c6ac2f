"""A server keeps its port over restarts, so that what was told to its clients stays true."""

import random
import socket
from pathlib import Path

from services.operator.local.error import InstallationError

HOST = "127.0.0.1"
# Below the ports that systems give to outgoing connections (Linux from 32768, others from 49152, RFC 6335 section 6):
# such a connection could otherwise sit on a server's port at the moment of its restart.
CANDIDATES = range(20_000, 32_000)


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    return next(port for port in random.sample(CANDIDATES, len(CANDIDATES)) if not _taken(port))


def choose_port(file: Path, given: int | None) -> int:
    """The given port, else the one remembered in the file, else a free one; remembered in the file.

    Raises InstallationError where another program has it.
    """
    port = given or _remembered(file) or free_port()
    if _taken(port):
        raise InstallationError(
            f"Port {port} of {HOST} is in use by another program. End that program, or choose another port"
            f" (a remembered one is forgotten by deleting {file})."
        )
    file.write_text(f"{port}\n")
    return port


def answers(port: int) -> bool:
    """Somebody accepts connections on this port of 127.0.0.1."""
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


def _remembered(file: Path) -> int | None:
    """None also where a power cut has left the file empty."""
    text = file.read_text().strip() if file.exists() else ""
    return int(text) if text.isdigit() else None


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: the remains of closed connections (TIME_WAIT) are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
        return False
