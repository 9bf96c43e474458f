"""Chooses the service manager of this computer."""

import getpass
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cratehand.domain.errors import UnsupportedError
from cratehand_service.commands import Runner, run_command
from cratehand_service.launchd import LaunchdService
from cratehand_service.service import Service
from cratehand_service.systemd import SystemdService
from cratehand_service.windows import WindowsService


def service_for(
    platform: str, *, program: Sequence[str], data_dir: Path, runner: Runner = run_command, home: Path | None = None
) -> Service:
    """Return the daemon as a service of an operating system.

    Args:
        platform: As `sys.platform` names it.
        program: The daemon's whole command line, e.g. ``[sys.executable, "-m", "cratehand.app", "run", ...]``, its
            first part absolute.
        data_dir: The daemon's data folder, absolute.
        runner: Runs the commands of the operating system.
        home: The user's home, None for the one that is logged in.

    Raises:
        InvalidInputError: The command line can't be written down for this system.
        UnsupportedError: A system whose services cratehand does not know.
    """
    if platform.startswith("linux"):
        return SystemdService(program=program, config_dir=_config_dir(home), runner=runner)
    if platform == "darwin":
        return LaunchdService(
            program=program, data_dir=data_dir, home=home or Path.home(), uid=_user_number(), runner=runner
        )
    if platform == "win32":
        return WindowsService(program=program, data_dir=data_dir, user=_windows_user(), runner=runner)
    raise UnsupportedError(
        f"cratehand knows no services on {platform}; let your system start `cratehand run` when you log in"
    )


def _config_dir(home: Path | None) -> Path:
    if home is not None:
        return home / ".config"
    chosen = os.environ.get("XDG_CONFIG_HOME", "")
    return Path(chosen) if chosen.startswith("/") else Path.home() / ".config"


def _user_number() -> int:
    return os.getuid() if sys.platform != "win32" else 0


def _windows_user() -> str:
    name = os.environ.get("USERNAME") or getpass.getuser()
    domain = os.environ.get("USERDOMAIN")
    return f"{domain}\\{name}" if domain else name
