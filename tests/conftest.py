"""What holds for every test: nothing connects beyond this computer, and no setting of the developer leaks in."""

import ipaddress
import os
import sys
from collections.abc import Generator, Iterator
from typing import Any

import pytest

# As in the workers: on a busy machine several threads of one small matrix product wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

_ELSEWHERE: list[str] = []


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in {"socket.connect", "socket.sendto"} or len(arguments) < 2:
        return
    address = arguments[1]
    if isinstance(address, tuple) and address and not _is_loopback(str(address[0])):
        _ELSEWHERE.append(f"{event} {address}")
        raise PermissionError(f"a test may only connect to this computer, not to {address}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.split("%", maxsplit=1)[0]).is_loopback
    except ValueError:
        return host in {"localhost", ""}


sys.addaudithook(_guard)


@pytest.fixture(autouse=True)
def _no_connection_elsewhere() -> Iterator[None]:
    _ELSEWHERE.clear()
    yield
    assert not _ELSEWHERE, f"this test tried to reach {_ELSEWHERE}"


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith("CRATEHAND_") and name != "CRATEHAND_BENCH_DATA":
            monkeypatch.delenv(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make what was captured fit for the way from a test process: names of files may hold bytes that are no text."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode("utf-8")) for name, text in report.sections
    ]
    return report
