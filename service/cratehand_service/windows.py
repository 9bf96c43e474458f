"""A task of the Windows Task Scheduler, after its schema ([MS-TSCH] 2.5, version 1.2) and ``schtasks``."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from xml.etree import ElementTree as ET

from cratehand.domain.errors import InvalidInputError, NotFoundError, UnsupportedError
from cratehand.domain.plan import Plan
from cratehand_service.commands import Runner
from cratehand_service.service import DESCRIPTION, SERVICE_NAME, ServiceState, ServiceStatus
from cratehand_service.steps import RemoveFile, RunCommand, Step, WriteFile, plan_of, take

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"

_LONGEST_PATH = 260
# What XML 1.0 has no place for.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# The state as a number: `schtasks /Query` answers in the user's language.
_ASK = (
    f"$task = Get-ScheduledTask -TaskName '{SERVICE_NAME}' -TaskPath '\\' -ErrorAction Stop; "
    '"$([int]$task.State) $(($task | Get-ScheduledTaskInfo).LastTaskResult)"'
)
_STATES = {"1": "disabled", "2": "queued", "3": "ready", "4": "running"}
# Winerror.h: done, never run, running now, stopped by the user.
_FINE = frozenset({0, 0x41303, 0x41301, 0x41306})

_SETTINGS = {
    "MultipleInstancesPolicy": "IgnoreNew",
    "DisallowStartIfOnBatteries": "false",
    "StopIfGoingOnBatteries": "false",
    "AllowHardTerminate": "true",
    "StartWhenAvailable": "true",
    "RunOnlyIfNetworkAvailable": "false",
    "AllowStartOnDemand": "true",
    "Enabled": "true",
    "Hidden": "false",
    "RunOnlyIfIdle": "false",
    "WakeToRun": "false",
    # Never: the default ends a task after three days.
    "ExecutionTimeLimit": "PT0S",
    # Below normal, the usual priority of tasks.
    "Priority": "7",
}


class WindowsService:
    r"""Implements `Service` on Windows.

    Args:
        program: The daemon's whole command line, its first part absolute. Of a ``python.exe`` its ``pythonw.exe`` is
            taken where it lies beside it, so that no console window stays open.
        data_dir: The daemon's data folder; the task's description is kept in it.
        user: The user's name with its domain, e.g. ``DESKTOP\dj``.
        runner: Runs commands.
    """

    def __init__(self, *, program: Sequence[str], data_dir: Path, user: str, runner: Runner) -> None:
        self._xml = data_dir / "service" / f"{SERVICE_NAME}.xml"
        self._log = data_dir / "logs"
        self._content = task_xml(without_console(program), user)
        self._runner = runner

    def plan_install(self) -> Plan:
        return plan_of("start cratehand whenever you log in", self._install_steps())

    def plan_uninstall(self) -> Plan:
        return plan_of("no longer start cratehand by itself", self._uninstall_steps())

    def install(self) -> None:
        take(self._install_steps(), self._runner)

    def uninstall(self) -> None:
        if self._runner(("schtasks", "/Query", "/TN", SERVICE_NAME)).code:
            raise NotFoundError("the service is not installed; `cratehand service install` does it")
        take(self._uninstall_steps(), self._runner)

    def status(self) -> ServiceStatus:
        outcome = self._runner(("powershell", "-NoProfile", "-NonInteractive", "-Command", _ASK))
        answer = re.fullmatch(r"(\d+) (\d+)", outcome.output.strip())
        if outcome.code or answer is None:
            return ServiceStatus(
                state=ServiceState.NOT_INSTALLED, detail=f"the Task Scheduler has no task {SERVICE_NAME}"
            )
        state, result = _STATES.get(answer[1], "unknown"), int(answer[2])
        if state == "running":
            return ServiceStatus(state=ServiceState.RUNNING, detail=state)
        detail = f"{state}, last result 0x{result:X}"
        return ServiceStatus(state=ServiceState.STOPPED if result in _FINE else ServiceState.FAILED, detail=detail)

    def log_hint(self) -> str:
        return f'explorer "{self._log}"'

    def _install_steps(self) -> Sequence[Step]:
        return (
            WriteFile(path=self._xml, content=self._content, encoding="utf-16"),
            RunCommand(command=("schtasks", "/End", "/TN", SERVICE_NAME), may_fail=True),
            RunCommand(command=("schtasks", "/Create", "/TN", SERVICE_NAME, "/XML", str(self._xml), "/F")),
            RunCommand(command=("schtasks", "/Run", "/TN", SERVICE_NAME)),
        )

    def _uninstall_steps(self) -> Sequence[Step]:
        return (
            RunCommand(command=("schtasks", "/End", "/TN", SERVICE_NAME), may_fail=True),
            RunCommand(command=("schtasks", "/Delete", "/TN", SERVICE_NAME, "/F")),
            RemoveFile(path=self._xml),
        )


def without_console(program: Sequence[str]) -> Sequence[str]:
    """Return the command line with Python's variant that opens no console window, where there is one."""
    if not program or PureWindowsPath(program[0]).name.lower() != "python.exe":
        return program
    quiet = program[0][: -len("python.exe")] + "pythonw.exe"
    return [quiet, *program[1:]] if Path(quiet).exists() else program


def task_xml(program: Sequence[str], user: str) -> bytes:
    """Return the description of the task in UTF-16 with its mark, as ``schtasks /Create /XML`` reads it.

    Args:
        program: The daemon's whole command line, its first part absolute.
        user: The user's name with its domain.

    Raises:
        InvalidInputError: The program is no absolute path, or a part can't be written in XML.
        UnsupportedError: The program's path is longer than the Task Scheduler takes.
    """
    _require_writable(program, user)
    task = ET.Element("Task", {"version": "1.2", "xmlns": NAMESPACE})
    _add(task, "RegistrationInfo", Author=user, Description=DESCRIPTION, URI=f"\\{SERVICE_NAME}")
    _add(_add(task, "Triggers"), "LogonTrigger", Enabled="true", UserId=user, Delay="PT10S")
    principal = _add(
        _add(task, "Principals"), "Principal", UserId=user, LogonType="InteractiveToken", RunLevel="LeastPrivilege"
    )
    principal.set("id", "Author")
    _add(_add(task, "Settings", **_SETTINGS), "RestartOnFailure", Interval="PT1M", Count="5")
    actions = _add(task, "Actions")
    actions.set("Context", "Author")
    _add(actions, "Exec", Command=program[0], Arguments=subprocess.list2cmdline(program[1:]))
    ET.indent(task)
    text = ET.tostring(task, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-16"?>\n{text}\n'.encode("utf-16")


def _require_writable(program: Sequence[str], user: str) -> None:
    if not program or not PureWindowsPath(program[0]).is_absolute():
        raise InvalidInputError(f"a task needs the absolute path of the program, not {list(program[:1])}")
    if len(program[0]) > _LONGEST_PATH:
        raise UnsupportedError(
            f"the Task Scheduler takes paths of at most {_LONGEST_PATH} characters; install cratehand in a shorter "
            f"path than {program[0]}"
        )
    for text in (*program, user):
        if _NOT_XML.search(text):
            raise InvalidInputError(f"a task can not hold {text!r}")


def _add(parent: ET.Element, name: str, **texts: str) -> ET.Element:
    element = ET.SubElement(parent, name)
    for child, text in texts.items():
        ET.SubElement(element, child).text = text
    return element
