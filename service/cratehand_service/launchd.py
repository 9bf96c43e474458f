"""A launch agent of macOS, after launchd.plist(5) and launchctl(1)."""

import plistlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from cratehand.domain.errors import InvalidInputError, NotFoundError, UnavailableError
from cratehand.domain.plan import Plan
from cratehand_service.commands import Runner
from cratehand_service.service import ServiceState, ServiceStatus
from cratehand_service.steps import MakeFolder, RemoveFile, RunCommand, Step, WriteFile, plan_of, take

LABEL = "org.cratehand.daemon"

_ATTEMPTS = 6


class LaunchdService:
    """Implements `Service` on macOS.

    Args:
        program: The daemon's whole command line, its first part absolute.
        data_dir: The daemon's data folder; what the service writes is kept in its ``logs``.
        home: The user's home.
        uid: The user's number.
        runner: Runs commands.
    """

    def __init__(self, *, program: Sequence[str], data_dir: Path, home: Path, uid: int, runner: Runner) -> None:
        self._log = data_dir / "logs" / "service.log"
        self._plist = home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
        self._content = plist_bytes(program, self._log)
        self._domain = f"gui/{uid}"
        self._target = f"{self._domain}/{LABEL}"
        self._runner = runner

    def plan_install(self) -> Plan:
        return plan_of("start cratehand whenever you log in", self._install_steps())

    def plan_uninstall(self) -> Plan:
        return plan_of("no longer start cratehand by itself", self._uninstall_steps())

    def install(self) -> None:
        self._require_session()
        take(self._install_steps(), self._runner)

    def uninstall(self) -> None:
        if not self._plist.exists():
            raise NotFoundError("the service is not installed; `cratehand service install` does it")
        self._require_session()
        take(self._uninstall_steps(), self._runner)

    def status(self) -> ServiceStatus:
        if not self._plist.exists():
            return ServiceStatus(state=ServiceState.NOT_INSTALLED, detail=f"there is no {self._plist}")
        outcome = self._runner(("launchctl", "print", self._target))
        if outcome.code:
            return ServiceStatus(state=ServiceState.STOPPED, detail=f"not loaded: {outcome.words}")
        told = _read_print(outcome.output)
        state = told.get("state", "unknown")
        code = told.get("last exit code", "0")
        detail = state + (f", process {told['pid']}" if "pid" in told else f", last exit code {code}")
        if state == "running":
            return ServiceStatus(state=ServiceState.RUNNING, detail=detail)
        has_failed = code.split(":")[0].strip() not in {"0", "(never exited)"}
        return ServiceStatus(state=ServiceState.FAILED if has_failed else ServiceState.STOPPED, detail=detail)

    def log_hint(self) -> str:
        return f"tail -F '{self._log}'"

    def _install_steps(self) -> Sequence[Step]:
        return (
            MakeFolder(path=self._log.parent),
            WriteFile(path=self._plist, content=self._content),
            RunCommand(command=("launchctl", "bootout", self._target), may_fail=True),
            RunCommand(command=("launchctl", "enable", self._target)),
            # The previous one may still be on its way out.
            RunCommand(command=("launchctl", "bootstrap", self._domain, str(self._plist)), attempts=_ATTEMPTS),
        )

    def _uninstall_steps(self) -> Sequence[Step]:
        return (
            RunCommand(command=("launchctl", "bootout", self._target), may_fail=True),
            RemoveFile(path=self._plist),
        )

    def _require_session(self) -> None:
        outcome = self._runner(("launchctl", "print", self._domain))
        if outcome.code:
            raise UnavailableError(
                f"macOS has no session of yours to start cratehand in ({outcome.words}); log in at the Mac itself, "
                "not by ssh, and try again"
            )


def plist_bytes(program: Sequence[str], log: Path) -> bytes:
    """Return the property list of the agent, as XML.

    Args:
        program: The daemon's whole command line, its first part absolute.
        log: File that takes what the daemon writes before its own log is open.

    Raises:
        InvalidInputError: The program is no absolute path, or a part can't be written into a property list.
    """
    if not program or not program[0].startswith("/"):
        raise InvalidInputError(f"a launch agent needs the absolute path of the program, not {program[:1]}")
    try:
        return plistlib.dumps(
            {
                "Label": LABEL,
                "ProgramArguments": list(program),
                "RunAtLoad": True,
                "KeepAlive": {"SuccessfulExit": False},
                "ThrottleInterval": 10,
                "ExitTimeOut": 15,
                "ProcessType": "Background",
                "LowPriorityIO": True,
                "LowPriorityBackgroundIO": True,
                "StandardOutPath": str(log),
                "StandardErrorPath": str(log),
            }
        )
    except (ValueError, UnicodeError) as error:
        raise InvalidInputError(f"a launch agent can not hold the command {list(program)}: {error}") from error


def _read_print(text: str) -> Mapping[str, str]:
    """Read the top level of ``launchctl print``, which Apple calls no interface: what is not found is left out."""
    lines = [line.strip().partition(" = ") for line in text.splitlines() if line.startswith("\t") and line[1:2] != "\t"]
    return {name: value for name, equals, value in lines if equals}
