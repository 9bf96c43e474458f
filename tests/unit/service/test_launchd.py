import plistlib
from pathlib import Path

import pytest

from cratehand.domain.errors import InvalidInputError, NotFoundError, UnavailableError
from cratehand_service import Outcome, ServiceState
from cratehand_service.launchd import LABEL, LaunchdService, plist_bytes
from tests.unit.service.recorder import Recorder, failing_at

# All keys of launchd.plist(5) on macOS 10.14 and later, with those of the dictionary KeepAlive.
KNOWN_KEYS = frozenset(
    [
        "Label",
        "Disabled",
        "UserName",
        "GroupName",
        "inetdCompatibility",
        "LimitLoadToHosts",
        "LimitLoadFromHosts",
        "LimitLoadToSessionType",
        "LimitLoadToHardware",
        "LimitLoadFromHardware",
        "Program",
        "BundleProgram",
        "ProgramArguments",
        "EnableGlobbing",
        "EnableTransactions",
        "EnablePressuredExit",
        "OnDemand",
        "KeepAlive",
        "RunAtLoad",
        "RootDirectory",
        "WorkingDirectory",
        "EnvironmentVariables",
        "Umask",
        "TimeOut",
        "ExitTimeOut",
        "ThrottleInterval",
        "InitGroups",
        "WatchPaths",
        "QueueDirectories",
        "StartOnMount",
        "StartInterval",
        "StartCalendarInterval",
        "StandardInPath",
        "StandardOutPath",
        "StandardErrorPath",
        "Debug",
        "WaitForDebugger",
        "SoftResourceLimits",
        "HardResourceLimits",
        "Nice",
        "ProcessType",
        "AbandonProcessGroup",
        "LowPriorityIO",
        "LowPriorityBackgroundIO",
        "MaterializeDatalessFiles",
        "LaunchOnlyOnce",
        "MachServices",
        "Sockets",
        "LaunchEvents",
        "HopefullyExitsLast",
        "HopefullyExitsFirst",
        "SessionCreate",
        "LegacyTimers",
        "AssociatedBundleIdentifiers",
        "POSIXSpawnType",
    ]
)
KNOWN_KEEP_ALIVE = frozenset(
    ["SuccessfulExit", "NetworkState", "PathState", "OtherJobEnabled", "Crashed", "AfterInitialDemand"]
)
PROCESS_TYPES = {"Background", "Standard", "Adaptive", "Interactive"}


def make(home: Path, runner: Recorder, program: list[str] | None = None) -> LaunchdService:
    return LaunchdService(
        program=program or ["/opt/cratehand", "run"], data_dir=home / "My Data", home=home, uid=501, runner=runner
    )


def plist_of(home: Path) -> Path:
    return home / "Library" / "LaunchAgents" / f"{LABEL}.plist"


def test_the_agent_has_known_keys_only_and_starts_quietly_at_login(tmp_path: Path) -> None:
    make(tmp_path, Recorder()).install()
    agent = plistlib.loads(plist_of(tmp_path).read_bytes())
    assert set(agent) <= KNOWN_KEYS
    assert set(agent["KeepAlive"]) <= KNOWN_KEEP_ALIVE
    assert agent["ProcessType"] in PROCESS_TYPES
    assert agent["Label"] == plist_of(tmp_path).stem
    assert agent["RunAtLoad"] is True
    assert agent["LowPriorityIO"] is True
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["StandardOutPath"] == str(tmp_path / "My Data" / "logs" / "service.log")
    assert Path(agent["StandardOutPath"]).parent.is_dir()


def test_every_argument_survives() -> None:
    program = ["/opt/dj tools/cratehand", "--data-dir", "Müsik 日本 & <\"'> $HOME %", "new\nline", ""]
    assert plistlib.loads(plist_bytes(program, Path("/log")))["ProgramArguments"] == program


@pytest.mark.parametrize("program", [[], ["cratehand"], ["/bin/x", "zero\0"], ["/bin/x", "\udce9"]])
def test_what_an_agent_can_not_hold_is_refused(program: list[str]) -> None:
    with pytest.raises(InvalidInputError):
        plist_bytes(program, Path("/log"))


def test_an_agent_that_is_there_already_is_replaced(tmp_path: Path) -> None:
    tries = iter([Outcome(code=5, errors="Bootstrap failed: 5: Input/output error"), None])
    runner = Recorder(lambda command: next(tries) if "bootstrap" in command else None)
    make(tmp_path, runner).install()
    verbs = [command[1] for command in runner.commands]
    assert verbs == ["print", "bootout", "enable", "bootstrap", "bootstrap"]
    assert runner.commands[-1] == ["launchctl", "bootstrap", "gui/501", str(plist_of(tmp_path))]


def test_without_a_session_nothing_is_touched(tmp_path: Path) -> None:
    runner = Recorder(failing_at("print", "Could not find domain for port", code=125))
    with pytest.raises(UnavailableError, match="log in at the Mac"):
        make(tmp_path, runner).install()
    assert not plist_of(tmp_path).exists()


def test_uninstalling_removes_the_agent(tmp_path: Path) -> None:
    runner = Recorder()
    service = make(tmp_path, runner)
    service.install()
    service.uninstall()
    assert not plist_of(tmp_path).exists()
    assert runner.commands[-1] == ["launchctl", "bootout", f"gui/501/{LABEL}"]
    with pytest.raises(NotFoundError):
        service.uninstall()


def test_the_plan_names_files_and_commands(tmp_path: Path) -> None:
    plan = make(tmp_path, Recorder()).plan_install()
    assert [change.what for change in plan.changes] == ["make folder", "write", "run", "run", "run"]
    assert "<plist" in plan.changes[1].after
    assert list(tmp_path.iterdir()) == []


PRINTED = "gui/501/x = {\n\tactive count = 1\n\tstate = running\n\n\tpid = 77\n\tsub = {\n\t\tstate = x\n\t}\n}\n"
ENDED = "gui/501/org.cratehand.daemon = {\n\tstate = not running\n\tlast exit code = 1\n}\n"
NEVER = "gui/501/org.cratehand.daemon = {\n\tstate = not running\n\tlast exit code = (never exited)\n}\n"


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (Outcome(code=0, output=PRINTED), ServiceState.RUNNING),
        (Outcome(code=0, output=ENDED), ServiceState.FAILED),
        (Outcome(code=0, output=NEVER), ServiceState.STOPPED),
        (Outcome(code=0, output="something else altogether"), ServiceState.STOPPED),
        (Outcome(code=113, errors="Could not find service"), ServiceState.STOPPED),
    ],
)
def test_the_status_is_read(tmp_path: Path, told: Outcome, state: ServiceState) -> None:
    make(tmp_path, Recorder()).install()
    assert make(tmp_path, Recorder(lambda command: told)).status().state is state


def test_what_is_not_installed_has_that_status(tmp_path: Path) -> None:
    assert make(tmp_path, Recorder()).status().state is ServiceState.NOT_INSTALLED
