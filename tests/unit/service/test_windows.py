from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema

from cratehand.domain.errors import InvalidInputError, NotFoundError, UnavailableError, UnsupportedError
from cratehand_service import Outcome, ServiceState
from cratehand_service.windows import NAMESPACE, WindowsService, task_xml, without_console
from tests.unit.service.recorder import Recorder, failing_at

SCHEMA = xmlschema.XMLSchema(Path(__file__).with_name("task.xsd"))
PROGRAM = [r"C:\Program Files\cratehand\pythonw.exe", "-m", "cratehand.app", "run"]
USER = r"DESKTOP\dj"
NAMES = {"t": NAMESPACE}


def make(data_dir: Path, runner: Recorder, program: list[str] | None = None) -> WindowsService:
    return WindowsService(program=program or PROGRAM, data_dir=data_dir, user=USER, runner=runner)


def text_of(task: ET.Element, path: str) -> str | None:
    return task.findtext("/".join(f"t:{name}" for name in path.split("/")), namespaces=NAMES)


@pytest.mark.parametrize("user", [USER, "Jürgen & Söhne\\日本"])
def test_the_task_is_valid_after_the_schema(user: str) -> None:
    SCHEMA.validate(ET.fromstring(task_xml([*PROGRAM, "--data-dir", 'D:\\Müsik & <"日本">'], user)))


def test_the_schema_would_notice_a_wrong_task() -> None:
    good = task_xml(PROGRAM, USER).decode("utf-16")
    for right, wrong in {
        "IgnoreNew": "Ignore", "PT1M": "PT1S", "<Priority>7<": "<Priority>11<", "PT0S": "never", "<Exec>": "<Run>",
        "InteractiveToken": "Interactive", 'version="1.2"': 'version="2"', 'Context="Author"': 'Context="Nobody"',
    }.items():  # fmt: skip
        bad = good.replace(right, wrong).replace("</Exec>", "</Run>" if wrong == "<Run>" else "</Exec>")
        assert not SCHEMA.is_valid(ET.fromstring(bad.encode("utf-16"))), wrong


def test_the_task_starts_at_logon_and_is_never_ended_by_windows() -> None:
    raw = task_xml(PROGRAM, USER)
    assert raw.startswith(b"\xff\xfe"), "schtasks wants UTF-16 with its mark"
    task = ET.fromstring(raw)
    assert text_of(task, "Triggers/LogonTrigger/UserId") == USER
    assert text_of(task, "Settings/ExecutionTimeLimit") == "PT0S"
    assert text_of(task, "Settings/DisallowStartIfOnBatteries") == "false"
    assert text_of(task, "Settings/MultipleInstancesPolicy") == "IgnoreNew"
    assert text_of(task, "Principals/Principal/RunLevel") == "LeastPrivilege"
    assert text_of(task, "Actions/Exec/Command") == PROGRAM[0]


def test_arguments_are_quoted_as_windows_programs_read_them() -> None:
    task = ET.fromstring(task_xml([PROGRAM[0], "run", "--data-dir", "D:\\My Music\\", 'say "hi"', ""], USER))
    assert text_of(task, "Actions/Exec/Arguments") == 'run --data-dir "D:\\My Music\\\\" "say \\"hi\\"" ""'


@pytest.mark.parametrize("program", [[], ["cratehand.exe"], [PROGRAM[0], "bell\a"], [PROGRAM[0], "\udce9"]])
def test_what_a_task_can_not_hold_is_refused(program: list[str]) -> None:
    with pytest.raises(InvalidInputError):
        task_xml(program, USER)


def test_a_path_that_is_too_long_is_refused_with_what_to_do() -> None:
    with pytest.raises(UnsupportedError, match="shorter"):
        task_xml(["C:\\" + "x" * 300], USER)


def test_python_without_a_console_is_taken_where_it_is_there(tmp_path: Path) -> None:
    python = str(tmp_path / "python.exe")
    assert list(without_console([python, "-m", "x"])) == [python, "-m", "x"]
    (tmp_path / "pythonw.exe").touch()
    assert list(without_console([python, "-m", "x"])) == [str(tmp_path / "pythonw.exe"), "-m", "x"]
    assert list(without_console(["/opt/cratehand.exe"])) == ["/opt/cratehand.exe"]


def test_installing_registers_the_task_from_its_file(tmp_path: Path) -> None:
    runner = Recorder()
    make(tmp_path, runner).install()
    written = tmp_path / "service" / "cratehand.xml"
    assert ["schtasks", "/Create", "/TN", "cratehand", "/XML", str(written), "/F"] in runner.commands
    assert runner.commands[-1] == ["schtasks", "/Run", "/TN", "cratehand"]
    SCHEMA.validate(ET.fromstring(written.read_bytes()))


def test_where_registering_fails_no_file_is_left(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="Access is denied"):
        make(tmp_path, Recorder(failing_at("/Create", "ERROR: Access is denied."))).install()
    assert list((tmp_path / "service").iterdir()) == []


def test_uninstalling_deletes_the_task(tmp_path: Path) -> None:
    runner = Recorder()
    service = make(tmp_path, runner)
    service.install()
    service.uninstall()
    assert ["schtasks", "/Delete", "/TN", "cratehand", "/F"] in runner.commands
    assert list((tmp_path / "service").iterdir()) == []
    with pytest.raises(NotFoundError):
        make(tmp_path, Recorder(failing_at("/Query", "ERROR: The system cannot find the file"))).uninstall()


def test_the_plan_shows_the_task(tmp_path: Path) -> None:
    plan = make(tmp_path, Recorder()).plan_install()
    assert plan.changes[0].after == task_xml(PROGRAM, USER).decode("utf-16")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (Outcome(code=0, output="4 267009\r\n"), ServiceState.RUNNING),
        (Outcome(code=0, output="3 0\r\n"), ServiceState.STOPPED),
        (Outcome(code=0, output="3 267011\r\n"), ServiceState.STOPPED),
        (Outcome(code=0, output="3 1\r\n"), ServiceState.FAILED),
        (Outcome(code=1, errors="No MSFT_ScheduledTask objects found"), ServiceState.NOT_INSTALLED),
    ],
)
def test_the_status_is_read_whatever_the_language_of_windows(
    tmp_path: Path, told: Outcome, state: ServiceState
) -> None:
    assert make(tmp_path, Recorder(lambda command: told)).status().state is state
