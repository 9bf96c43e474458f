"""The daemon as a service of this computer's operating system."""

import sys
from pathlib import Path

from cratehand.app.data_folder import DataFolder
from cratehand.app.finding import Finding, broken, good, note
from cratehand.domain.errors import CratehandError
from cratehand_service import Service, ServiceState, service_for


def background_service(folder: DataFolder, config: Path | None = None) -> Service:
    """Return the service that runs this Python's cratehand on a data folder.

    Raises:
        UnsupportedError: This system's services are not known.
        InvalidInputError: The paths can't be written down for its service manager.
    """
    named = ["--config", str(config.expanduser().absolute())] if config is not None else []
    # Not resolved: the interpreter of a virtual environment is a link, and only the link finds the packages.
    program = [sys.executable, "-m", "cratehand.app", "run", "--data-dir", str(folder.path), *named]
    return service_for(sys.platform, program=program, data_dir=folder.path)


def check_service(folder: DataFolder) -> Finding:
    """Look whether the daemon starts when the user logs in; that it doesn't is no fault."""
    try:
        status = background_service(folder).status()
    except CratehandError as error:
        return note("service", str(error))
    if status.state is ServiceState.FAILED:
        return broken("service", status.detail, "`cratehand service logs`, then `cratehand service install` again")
    if status.state is ServiceState.NOT_INSTALLED:
        return note("service", "not installed", "`cratehand service install` starts the daemon when you log in")
    return good("service", f"{status.state}: {status.detail}")
