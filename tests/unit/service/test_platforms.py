import sys
from pathlib import Path

import pytest

from cratehand.domain.errors import UnavailableError, UnsupportedError
from cratehand_service import run_command, service_for
from cratehand_service.launchd import LaunchdService
from cratehand_service.steps import RunCommand, take
from cratehand_service.systemd import SystemdService
from cratehand_service.windows import WindowsService
from tests.unit.service.recorder import Recorder, failing_at


@pytest.mark.parametrize(
    ("platform", "program", "kind"),
    [
        ("linux", "/usr/bin/cratehand", SystemdService),
        ("darwin", "/usr/local/bin/cratehand", LaunchdService),
        ("win32", "C:\\cratehand.exe", WindowsService),
    ],
)
def test_each_system_has_its_service(tmp_path: Path, platform: str, program: str, kind: type) -> None:
    service = service_for(platform, program=[program], data_dir=tmp_path, runner=Recorder(), home=tmp_path)
    assert isinstance(service, kind)
    assert service.log_hint()
    assert service.plan_install().changes
    assert service.plan_uninstall().changes
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_system_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="cratehand run"):
        service_for("freebsd14", program=["/bin/x"], data_dir=tmp_path)


def test_a_command_that_is_not_there_is_named() -> None:
    with pytest.raises(UnsupportedError, match="no-such-command"):
        run_command(["no-such-command"])


def test_a_command_is_run_with_its_arguments_as_they_are() -> None:
    outcome = run_command([sys.executable, "-c", "import sys; print(sys.argv[1:]); sys.exit(3)", "a b", "$HOME", ""])
    assert (outcome.code, outcome.output.strip()) == (3, "['a b', '$HOME', '']")
    assert outcome.words == "['a b', '$HOME', '']"


def test_a_step_is_tried_again_as_often_as_it_says() -> None:
    runner, pauses = Recorder(failing_at("x", "busy")), list[float]()
    with pytest.raises(UnavailableError, match="busy"):
        take([RunCommand(command=("x",), attempts=3)], runner, pause=pauses.append)
    assert len(runner.commands) == 3
    assert len(pauses) == 2
