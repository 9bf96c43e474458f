"""A user unit of systemd, after systemd.unit(5), systemd.service(5) and systemd.exec(5)."""

from collections.abc import Sequence
from pathlib import Path

from cratehand.domain.errors import InvalidInputError, NotFoundError, UnavailableError, UnsupportedError
from cratehand.domain.plan import Plan
from cratehand_service.commands import Outcome, Runner
from cratehand_service.service import DESCRIPTION, SERVICE_NAME, ServiceState, ServiceStatus
from cratehand_service.steps import RemoveFile, RunCommand, Step, WriteFile, plan_of, take

UNIT_NAME = f"{SERVICE_NAME}.service"

_SYSTEMCTL = ("systemctl", "--user")
_NO_SYSTEMD = ("not been booted with systemd", "can't operate")
_STATES = {"active": ServiceState.RUNNING, "activating": ServiceState.RUNNING, "reloading": ServiceState.RUNNING,
           "failed": ServiceState.FAILED}  # fmt: skip

# No MemoryDenyWriteExecute: inference and ctypes make code at run time. No ProtectHome and the like: the music is
# there, and a user's systemd can not set up mount name spaces everywhere.
_UNIT = """\
[Unit]
Description={description}
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=exec
ExecStart={command}
Restart=on-failure
RestartSec=5
TimeoutStopSec=15
KillMode=mixed
Nice=5
CPUWeight=50
IOSchedulingClass=best-effort
IOSchedulingPriority=7
NoNewPrivileges=yes
LockPersonality=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictRealtime=yes
SystemCallArchitectures=native

[Install]
WantedBy=default.target
"""


class SystemdService:
    """Implements `Service` on Linux.

    Args:
        program: The daemon's whole command line, its first part absolute.
        config_dir: The user's folder of settings, usually ``~/.config``.
        runner: Runs commands.
    """

    def __init__(self, *, program: Sequence[str], config_dir: Path, runner: Runner) -> None:
        self._unit = config_dir / "systemd" / "user" / UNIT_NAME
        self._text = unit_text(program)
        self._runner = runner

    def plan_install(self) -> Plan:
        return plan_of("start cratehand whenever you log in", self._install_steps())

    def plan_uninstall(self) -> Plan:
        return plan_of("no longer start cratehand by itself", self._uninstall_steps())

    def install(self) -> None:
        self._require_manager()
        take(self._install_steps(), self._runner)

    def uninstall(self) -> None:
        if not self._unit.exists():
            raise NotFoundError("the service is not installed; `cratehand service install` does it")
        self._require_manager()
        take(self._uninstall_steps(), self._runner)

    def status(self) -> ServiceStatus:
        if not self._unit.exists():
            return ServiceStatus(state=ServiceState.NOT_INSTALLED, detail=f"there is no {self._unit}")
        outcome = self._runner(
            (*_SYSTEMCTL, "show", UNIT_NAME, "--property=ActiveState,SubState,Result,MainPID,ActiveEnterTimestamp")
        )
        if outcome.code:
            raise _trouble(outcome)
        told = dict(line.partition("=")[::2] for line in outcome.output.splitlines())
        detail = f"{told.get('ActiveState', 'unknown')} ({told.get('SubState', '?')})"
        if told.get("MainPID", "0") != "0":
            detail += f", process {told['MainPID']}, since {told.get('ActiveEnterTimestamp', '?')}"
        if told.get("Result", "success") != "success":
            detail += f", last result {told['Result']}"
        return ServiceStatus(state=_STATES.get(told.get("ActiveState", ""), ServiceState.STOPPED), detail=detail)

    def log_hint(self) -> str:
        return f"journalctl --user --unit {UNIT_NAME} --follow"

    def _install_steps(self) -> Sequence[Step]:
        return (
            WriteFile(path=self._unit, content=self._text.encode()),
            RunCommand(command=(*_SYSTEMCTL, "daemon-reload")),
            RunCommand(command=(*_SYSTEMCTL, "enable", UNIT_NAME)),
            RunCommand(command=(*_SYSTEMCTL, "restart", UNIT_NAME)),
        )

    def _uninstall_steps(self) -> Sequence[Step]:
        return (
            RunCommand(command=(*_SYSTEMCTL, "disable", "--now", UNIT_NAME)),
            RemoveFile(path=self._unit),
            RunCommand(command=(*_SYSTEMCTL, "daemon-reload")),
            RunCommand(command=(*_SYSTEMCTL, "reset-failed", UNIT_NAME), may_fail=True),
        )

    def _require_manager(self) -> None:
        """Ask the user's service manager for a sign of life before anything is touched."""
        outcome = self._runner((*_SYSTEMCTL, "show-environment"))
        if outcome.code:
            raise _trouble(outcome)


def _trouble(outcome: Outcome) -> Exception:
    if any(words in outcome.words.lower() for words in _NO_SYSTEMD):
        return UnsupportedError(
            "this computer was not started by systemd; start `cratehand run` by your desktop's autostart instead"
        )
    return UnavailableError(
        f"your systemd session does not answer ({outcome.words}); log in at the desktop, or as root run "
        "`loginctl enable-linger YOUR_USER`, then try again"
    )


def unit_text(program: Sequence[str]) -> str:
    """Return the text of the unit.

    Args:
        program: The daemon's whole command line, its first part absolute.

    Raises:
        InvalidInputError: The program is no absolute path, or a part can't be written into a unit.
        UnsupportedError: systemd starts no program with such a path.
    """
    if not program or not program[0].startswith("/"):
        raise InvalidInputError(f"a systemd unit needs the absolute path of the program, not {program[:1]}")
    if any(char in "\"'\\" or ord(char) < 32 or ord(char) == 127 for char in program[0]):
        raise UnsupportedError(
            f"systemd starts no program with quotes, backslashes or control characters in its path: {program[0]!r}; "
            "install cratehand elsewhere"
        )
    # With the prefix ":" nothing is substituted; older versions don't know it, so it stands only where it is needed.
    prefix = ":" if any("$" in part for part in program) else ""
    return _UNIT.format(description=DESCRIPTION, command=prefix + " ".join(_quote(part) for part in program))


def _quote(part: str) -> str:
    """Write one argument as systemd reads it: Quoting in systemd.syntax(7), Specifiers in systemd.unit(5)."""
    if "\0" in part or any("\ud800" <= char <= "\udfff" for char in part):
        raise InvalidInputError(f"a systemd unit can not hold {part!r}, it takes UTF-8 without zero bytes only")
    escaped = part.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return (
        '"' + "".join(f"\\x{ord(char):02x}" if ord(char) < 32 or ord(char) == 127 else char for char in escaped) + '"'
    )
