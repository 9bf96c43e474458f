"""What every registration with an operating system offers."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cratehand.domain.plan import Plan

SERVICE_NAME = "cratehand"
DESCRIPTION = "cratehand keeps a DJ's collection true"


class ServiceState(StrEnum):
    """How the service stands."""

    NOT_INSTALLED = "not_installed"
    STOPPED = "stopped"
    RUNNING = "running"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """What the operating system says of the service."""

    state: ServiceState
    detail: str
    """One line in the system's own words."""


class Service(Protocol):
    """The daemon as a service of one operating system, started when the user logs in."""

    def plan_install(self) -> Plan:
        """Return the files and commands of `install`, in their order; nothing is touched."""
        ...

    def plan_uninstall(self) -> Plan:
        """Return the files and commands of `uninstall`, in their order; nothing is touched."""
        ...

    def install(self) -> None:
        """Register the service and start it; one that is there already is replaced.

        Files are put back as they were where a later step fails.

        Raises:
            UnsupportedError: This computer has no such service manager, or can't run such a program.
            UnavailableError: The service manager does not answer now, or refused.
        """
        ...

    def uninstall(self) -> None:
        """Stop the service and forget it; data and logs stay.

        Raises:
            NotFoundError: It is not installed.
            UnsupportedError: As for `install`.
            UnavailableError: As for `install`.
        """
        ...

    def status(self) -> ServiceStatus:
        """Ask the service manager; raises like `install`."""
        ...

    def log_hint(self) -> str:
        """Return the command that shows what the service wrote."""
        ...
