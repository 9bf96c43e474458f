"""Registration of the daemon with the operating system, so that it starts when the user logs in."""

from cratehand_service.commands import Outcome, Runner, run_command
from cratehand_service.platforms import service_for
from cratehand_service.service import Service, ServiceState, ServiceStatus

__all__ = ["Outcome", "Runner", "Service", "ServiceState", "ServiceStatus", "run_command", "service_for"]
