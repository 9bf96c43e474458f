import shutil
import subprocess
from pathlib import Path

import pytest

from cratehand.domain.errors import InvalidInputError, NotFoundError, UnavailableError, UnsupportedError
from cratehand_service import Outcome, Service, ServiceState, service_for
from cratehand_service.systemd import UNIT_NAME, unit_text
from tests.unit.service.recorder import Recorder, failing_at

ODD = [
    "/opt/dj tools/cratehand",
    "run",
    "--data-dir",
    "/home/dj/Müsik 日本/100% \"real\" $HOME \\ 'x'",
    "new\nline",
    "",
]


def make(home: Path, runner: Recorder, program: list[str] | None = None) -> Service:
    program = program or ["/usr/bin/cratehand", "run"]
    return service_for("linux", program=program, data_dir=home / "data", runner=runner, home=home)


def unit_of(home: Path) -> Path:
    return home / ".config" / "systemd" / "user" / UNIT_NAME


def test_installing_writes_the_unit_and_starts_it(tmp_path: Path) -> None:
    runner = Recorder()
    make(tmp_path, runner).install()
    assert 'ExecStart="/usr/bin/cratehand" "run"\n' in unit_of(tmp_path).read_text()
    assert [command[2:] for command in runner.commands] == [
        ["show-environment"], ["daemon-reload"], ["enable", UNIT_NAME], ["restart", UNIT_NAME],
    ]  # fmt: skip


def test_the_plan_shows_what_installing_does_and_touches_nothing(tmp_path: Path) -> None:
    runner = Recorder()
    service = make(tmp_path, runner)
    plan = service.plan_install()
    assert [change.what for change in plan.changes] == ["write", "run", "run", "run"]
    assert runner.commands == []
    assert not unit_of(tmp_path).exists()
    service.install()
    assert plan.changes[0].where == str(unit_of(tmp_path))
    assert plan.changes[0].after == unit_of(tmp_path).read_text()
    assert service.plan_install().changes[0].before == plan.changes[0].after


def test_uninstalling_stops_it_and_removes_the_unit(tmp_path: Path) -> None:
    runner = Recorder()
    service = make(tmp_path, runner)
    service.install()
    runner.commands.clear()
    service.uninstall()
    assert not unit_of(tmp_path).exists()
    assert ["systemctl", "--user", "disable", "--now", UNIT_NAME] in runner.commands
    with pytest.raises(NotFoundError):
        service.uninstall()


def test_without_a_session_nothing_is_touched_and_the_way_out_is_told(tmp_path: Path) -> None:
    runner = Recorder(failing_at("show-environment", "Failed to connect to bus: No medium found"))
    with pytest.raises(UnavailableError, match="enable-linger"):
        make(tmp_path, runner).install()
    assert not unit_of(tmp_path).exists()


def test_a_computer_without_systemd_is_told_so(tmp_path: Path) -> None:
    words = "System has not been booted with systemd as init system (PID 1). Can't operate."
    with pytest.raises(UnsupportedError, match="cratehand run"):
        make(tmp_path, Recorder(failing_at("show-environment", words))).install()


def test_where_starting_fails_the_unit_is_as_it_was_before(tmp_path: Path) -> None:
    runner = Recorder(failing_at("restart", "Job for cratehand.service failed"))
    with pytest.raises(UnavailableError, match=r"restart cratehand\.service` failed: Job for"):
        make(tmp_path, runner).install()
    assert not unit_of(tmp_path).exists()
    unit_of(tmp_path).write_text("mine")
    with pytest.raises(UnavailableError):
        make(tmp_path, runner).install()
    assert unit_of(tmp_path).read_text() == "mine"
    assert [path.name for path in unit_of(tmp_path).parent.iterdir()] == [UNIT_NAME]


def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / ".config").write_text("a file where a folder should be")
    with pytest.raises(UnavailableError, match=r"can not change .*cratehand\.service"):
        make(tmp_path, Recorder()).install()


RUNNING = "ActiveState=active\nSubState=running\nResult=success\nMainPID=42\nActiveEnterTimestamp=Mon 2026-11-02\n"
FAILED = "ActiveState=failed\nSubState=failed\nResult=exit-code\nMainPID=0\nActiveEnterTimestamp=\n"
STOPPED = "ActiveState=inactive\nSubState=dead\nResult=success\nMainPID=0\n"


@pytest.mark.parametrize(
    ("told", "state", "detail"),
    [
        (RUNNING, ServiceState.RUNNING, "active (running), process 42, since Mon 2026-11-02"),
        (FAILED, ServiceState.FAILED, "failed (failed), last result exit-code"),
        (STOPPED, ServiceState.STOPPED, "inactive (dead)"),
    ],
)
def test_the_status_is_read(tmp_path: Path, told: str, state: ServiceState, detail: str) -> None:
    make(tmp_path, Recorder()).install()
    service = make(tmp_path, Recorder(lambda command: Outcome(code=0, output=told)))
    assert (service.status().state, service.status().detail) == (state, detail)


def test_what_is_not_installed_has_that_status(tmp_path: Path) -> None:
    runner = Recorder()
    assert make(tmp_path, runner).status().state is ServiceState.NOT_INSTALLED
    assert runner.commands == []


def test_every_argument_survives_the_quoting() -> None:
    line = next(line for line in unit_text(ODD).splitlines() if line.startswith("ExecStart="))
    assert line == (
        'ExecStart=:"/opt/dj tools/cratehand" "run" "--data-dir" '
        '"/home/dj/Müsik 日本/100%% \\"real\\" $HOME \\\\ \'x\'" "new\\x0aline" ""'
    )


@pytest.mark.parametrize("path", ["/opt/'x'/y", '/opt/"x"/y', "/opt/x\\y", "/opt/new\nline"])
def test_a_path_that_systemd_does_not_start_is_refused(path: str) -> None:
    with pytest.raises(UnsupportedError, match="elsewhere"):
        unit_text([path])


@pytest.mark.parametrize("program", [[], ["cratehand", "run"], ["/bin/x", "zero\0"], ["/bin/x", "\udce9"]])
def test_what_a_unit_can_not_hold_is_refused(program: list[str]) -> None:
    with pytest.raises(InvalidInputError):
        unit_text(program)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on the PATH")
@pytest.mark.parametrize("folder", ["plain", "with space", "Müsik 日本", "100% $HOME ;&#()"])
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path, folder: str) -> None:
    program = tmp_path / folder / "cratehand"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    make(tmp_path, Recorder(), [str(program), *ODD[1:]]).install()
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", str(unit_of(tmp_path))],
        capture_output=True, text=True, check=False, timeout=60, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin",
                                                                      "XDG_RUNTIME_DIR": str(tmp_path)},
    )  # fmt: skip
    complaints = [line for line in done.stderr.splitlines() if "cratehand" in line]
    assert done.returncode == 0, done.stderr
    assert complaints == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on the PATH")
def test_systemd_would_notice_a_wrong_unit(tmp_path: Path) -> None:
    unit = tmp_path / "wrong.service"
    unit.write_text(unit_text(["/no/such/program"]).replace("[Install]", "Nonsense=1\n[Install]"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", str(unit)],
        capture_output=True, text=True, check=False, timeout=60, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin",
                                                                      "XDG_RUNTIME_DIR": str(tmp_path)},
    )  # fmt: skip
    assert "Nonsense" in done.stderr
    assert "/no/such/program" in done.stderr
