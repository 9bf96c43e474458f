import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest

from cratehand.catalogue.master.binaries import find_binaries
from cratehand.catalogue.master.embedded import EmbeddedServer
from cratehand.domain.errors import UnavailableError, UnsupportedError

pytestmark = pytest.mark.postgres


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with tempfile.TemporaryDirectory(prefix="Müller's data ") as name:
        folder = Path(name)
        folder.chmod(0o711)
        made = EmbeddedServer(folder / "Application Support" / "postgres", logs=folder / "logs")
        yield made
        made.stop()


def parents(server: EmbeddedServer) -> dict[Path, int]:
    return {path: path.stat().st_mode for path in server._folder.parents if path.exists()}


def test_a_server_is_made_found_again_stopped_and_started(server: EmbeddedServer) -> None:
    before = parents(server)
    first = server.start()
    assert not first.was_running
    assert "Application Support" in str(server._cluster)
    again = server.start()
    assert (again.url, again.was_running) == (first.url, True)
    with psycopg.connect(first.url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    assert server._password.stat().st_mode & 0o777 == 0o600
    assert {path: mode for path, mode in parents(server).items() if path in before} == before
    assert server.stop()
    assert not server.stop()
    assert server.start().url == first.url
    with psycopg.connect(first.url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_servers_that_start_at_the_same_moment_do_not_want_the_same_port() -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        servers = [EmbeddedServer(Path(name, f"{number}"), logs=Path(name, f"logs {number}")) for number in range(3)]
        try:
            with ThreadPoolExecutor(len(servers)) as pool:
                urls = [running.url for running in pool.map(EmbeddedServer.start, servers)]
        finally:
            for server in servers:
                server.stop()
    assert len(set(urls)) == len(servers)


def test_a_killed_server_comes_back_with_what_was_committed(server: EmbeddedServer) -> None:
    running = server.start()
    with psycopg.connect(running.url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    os.kill(running.pid, signal.SIGKILL)
    again = server.start()
    assert again.url == running.url
    with psycopg.connect(again.url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_process_number_that_is_somebody_else_by_now_holds_nothing_up(server: EmbeddedServer) -> None:
    running = server.start()
    server.stop()
    (server._cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{server._cluster}\n1\n{running.port}\n")
    assert server.running() is None
    assert server.start().url == running.url


def test_a_taken_port_is_not_fought_for(server: EmbeddedServer) -> None:
    running = server.start()
    server.stop()
    with socket.create_server(("127.0.0.1", running.port)):
        assert server.start().port != running.port


def test_it_listens_on_the_loopback_only_and_asks_for_a_password(server: EmbeddedServer) -> None:
    running = server.start()
    addresses = {each.laddr.ip for each in psutil.Process(running.pid).net_connections() if each.status == "LISTEN"}
    assert addresses == {"127.0.0.1"}
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host="127.0.0.1", port=running.port, user="cratehand", password="wrong", dbname="cratehand")
    assert running.url.split(":")[2].split("@")[0] not in (server._logs / "postgres.log").read_text()


def test_a_version_that_is_not_there_says_what_is() -> None:
    with pytest.raises(UnsupportedError, match="made by PostgreSQL 9"):
        find_binaries(major=9)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_a_folder_that_the_servers_user_can_not_enter_is_told_and_not_opened(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(UnavailableError, match="can not enter"):
        EmbeddedServer(closed / "postgres", logs=tmp_path).start()
    assert closed.stat().st_mode & 0o777 == 0o700
