"""A PostgreSQL server of our own for people who have none: made, started detached, found again, stopped.

It listens on the loopback only and opens no Unix socket, so that neither spaces in paths nor their length matter.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import psutil
import psycopg

from cratehand.catalogue.master.binaries import Binaries, find_binaries
from cratehand.catalogue.master.unprivileged import Runner, choose_runner
from cratehand.domain.errors import UnavailableError

USER: Final = "cratehand"
DATABASE: Final = "cratehand"
_HOST: Final = "127.0.0.1"
_PORTS: Final = range(54320, 54420)
"""Outside the range from which systems hand out ports by themselves."""
_START_S: Final = 60.0
_STOP_S: Final = 30.0
_INITDB_S: Final = 120.0
_ATTEMPTS: Final = 10
_ATTEMPT_EVERY_S: Final = 0.5
_PASSING: Final = ("shared memory", "TCP/IP sockets")
"""What is over after a moment: the children of a killed server see that it is gone; another port is chosen where
somebody was quicker."""
_LOG_BYTES: Final = 4 * 1024 * 1024
_PID_LINES: Final = 4
_SETTINGS: Final = {
    "listen_addresses": _HOST,
    "unix_socket_directories": "",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "max_connections": "64",
    "password_encryption": "scram-sha-256",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that answers."""

    url: str
    """Holds the password."""
    pid: int
    port: int
    version: str
    was_running: bool


class EmbeddedServer:
    """The server of one data folder. One process at a time may start or stop it, see `cratehand.app.master_parts`.

    Args:
        folder: Where its files lie; made where it is not there.
        logs: Where what it prints goes.
        binaries: Which server; found where None.
        settings: Further settings of the server.
    """

    def __init__(
        self,
        folder: Path,
        *,
        logs: Path,
        binaries: Binaries | None = None,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._settings = {**_SETTINGS, **settings}
        self._folder = folder
        self._logs = logs
        self._binaries = binaries
        self._cluster = folder / "data"
        self._password = folder / "password"
        self._port_file = folder / "server.json"

    @property
    def exists(self) -> bool:
        """Whether there is a cluster."""
        return (self._cluster / "PG_VERSION").is_file()

    def serves(self, port: object) -> bool:
        """Whether this is the port it has when it runs."""
        try:
            return str(json.loads(self._port_file.read_text(encoding="ascii"))["port"]) == str(port)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def start(self) -> Running:
        """Start it, make it first where there is none; one that runs already is returned as it is.

        Raises:
            UnsupportedError: There is no PostgreSQL of the right version.
            UnavailableError: It can not be made or does not answer; the message names the log.
        """
        running = self.running()
        if running is not None:
            return running
        runner, binaries = choose_runner(), self._find_binaries()
        if not self.exists:
            self._create(binaries, runner)
        runner.require_reach(binaries.program("postgres"), self._cluster)
        process = self._process()
        if process is None:
            # What a killed server left behind names a process that is gone, or by now somebody else.
            (self._cluster / "postmaster.pid").unlink(missing_ok=True)
            pid, port, version = self._launch(binaries, runner)
        else:
            pid, port = process
            version = self._wait(pid, port)
        self._require_database(port)
        return Running(url=self.url(port), pid=pid, port=port, version=version, was_running=False)

    def running(self) -> Running | None:
        """Return the server where it answers, else None."""
        process = self._process()
        if process is None or not self._password.is_file():
            return None
        pid, port = process
        version = self._ask(port)
        return None if version is None else Running(
            url=self.url(port), pid=pid, port=port, version=version, was_running=True
        )  # fmt: skip

    def stop(self) -> bool:
        """Stop it and wait for its end; False where it did not run.

        Raises:
            UnavailableError: It does not end.
        """
        process = self._process()
        if process is None:
            return False
        server = psutil.Process(process[0])
        # SIGINT: break off what runs, write everything down, end. Windows knows no signals between programs.
        if sys.platform == "win32":
            command = [self._find_binaries().program("pg_ctl"), "stop", "-D", str(self._cluster), "-m", "fast", "-w"]
            subprocess.run(command, capture_output=True, timeout=_STOP_S, check=False)
        else:
            os.kill(process[0], signal.SIGINT)
        try:
            server.wait(_STOP_S)
        except psutil.TimeoutExpired:
            # Without writing everything down first; it does so at its next start, nothing is lost.
            server.terminate() if sys.platform == "win32" else os.kill(process[0], signal.SIGQUIT)
            self._await_end(server)
        return True

    def _await_end(self, server: psutil.Process) -> None:
        try:
            server.wait(_STOP_S)
        except psutil.TimeoutExpired as error:
            raise UnavailableError(f"the server (process {server.pid}) does not end; see {self._log}") from error

    def url(self, port: int) -> str:
        """Return the URL of the server, with its password."""
        password = self._password.read_text(encoding="ascii").strip()
        return f"postgresql://{USER}:{password}@{_HOST}:{port}/{DATABASE}"

    @property
    def _log(self) -> Path:
        return self._logs / "postgres.log"

    def _find_binaries(self) -> Binaries:
        if self._binaries is None:
            major = int((self._cluster / "PG_VERSION").read_text().split(".")[0]) if self.exists else None
            self._binaries = find_binaries(major=major)
        return self._binaries

    def _create(self, binaries: Binaries, runner: Runner) -> None:
        """Make the cluster under another name first: one that was broken off half way is made anew."""
        draft, secret = self._folder / f"draft-{secrets.token_hex(4)}", secrets.token_urlsafe(24)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._folder.chmod(0o711)
            draft.mkdir(mode=0o700)
            runner.give(draft)
            runner.require_reach(binaries.program("initdb"), draft)
            _write_secret(self._password, secret)
            self._initdb(binaries, runner, draft, secret)
            draft.replace(self._cluster)
        except OSError as error:
            raise UnavailableError(f"no server can be made in {self._folder}: {error.strerror or error}") from error
        finally:
            _remove_tree(draft)

    def _initdb(self, binaries: Binaries, runner: Runner, target: Path, secret: str) -> None:
        pwfile = self._folder / f"pwfile-{secrets.token_hex(4)}"
        command = [
            binaries.program("initdb"), "-D", str(target), "-U", USER, "--auth=scram-sha-256", "--pwfile", str(pwfile),
            "-E", "UTF8", f"--locale={'C' if sys.platform == 'win32' else 'C.UTF-8'}",
        ]  # fmt: skip
        try:
            _write_secret(pwfile, secret)
            runner.give(pwfile)
            done = subprocess.run(
                command, cwd=self._folder, env=_environment(), capture_output=True, text=True, errors="replace",
                timeout=_INITDB_S, check=False, stdin=subprocess.DEVNULL, **runner.options(),
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(f"{command[0]} did not end within {_INITDB_S:.0f} s") from error
        finally:
            pwfile.unlink(missing_ok=True)
        if done.returncode != 0:
            said = " ".join((done.stderr or done.stdout).split()[-40:])
            raise UnavailableError(f"no server can be made in {self._folder}: {said}")

    def _spawn(self, binaries: Binaries, runner: Runner, port: int) -> int:
        command = [binaries.program("postgres"), "-D", str(self._cluster), "-c", f"port={port}"]
        for name, value in self._settings.items():
            command += ["-c", f"{name}={value}"]
        self._logs.mkdir(parents=True, exist_ok=True)
        if self._log.is_file() and self._log.stat().st_size > _LOG_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))
        options: dict[str, Any] = dict(runner.options())
        if sys.platform == "win32":
            options["creationflags"] = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        else:
            options["start_new_session"] = True
        with self._log.open("ab") as log:
            server = subprocess.Popen(
                command, cwd=self._folder, env=_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                **options,
            )  # fmt: skip
        # It lives on without us; its end is looked for by its number.
        server.returncode = 0
        return server.pid

    def _launch(self, binaries: Binaries, runner: Runner) -> tuple[int, int, str]:
        port, attempt = self._choose_port(), 0
        while True:
            pid = self._spawn(binaries, runner, port)
            try:
                return pid, port, self._wait(pid, port)
            except UnavailableError:
                attempt += 1
                said = _last_line(self._log)
                if attempt == _ATTEMPTS or not any(word in said for word in _PASSING):
                    raise
                time.sleep(_ATTEMPT_EVERY_S)
                port = self._choose_port()

    def _wait(self, pid: int, port: int) -> str:
        until_s = time.monotonic() + _START_S
        while time.monotonic() < until_s:
            version = self._ask(port)
            if version is not None:
                return version
            if not _lives(pid):
                break
            time.sleep(0.02)
        raise UnavailableError(f"the server did not start: {_last_line(self._log)} (all of it is in {self._log})")

    def _ask(self, port: int) -> str | None:
        try:
            with psycopg.connect(self.url(port), dbname="postgres", connect_timeout=5) as connection:
                row = connection.execute("SHOW server_version").fetchone()
        except psycopg.OperationalError:
            return None
        return str(row[0]) if row else None

    def _require_database(self, port: int) -> None:
        with psycopg.connect(self.url(port), dbname="postgres", connect_timeout=5, autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
            if known is None:
                connection.execute(f'CREATE DATABASE "{DATABASE}"')

    def _process(self) -> tuple[int, int] | None:
        """Return process and port of the server that has the cluster, also of one that does not answer yet."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
            pid, port = int(lines[0]), int(lines[_PID_LINES - 1])
            name = psutil.Process(pid).name()
        except (OSError, ValueError, IndexError, psutil.Error):
            return None
        return (pid, port) if name.startswith("postgres") and _lives(pid) else None

    def _choose_port(self) -> int:
        """Return the port it had before where that is free, else the first free one, and remember it."""
        try:
            before = [int(json.loads(self._port_file.read_text(encoding="ascii"))["port"])]
        except (OSError, ValueError, KeyError, TypeError):
            before = []
        for port in (*before, *_PORTS, 0):
            with socket.socket() as probe:
                if os.name == "posix":
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((_HOST, port))
                except OSError:
                    continue
                found = int(probe.getsockname()[1])
            self._port_file.write_text(json.dumps({"port": found}) + "\n", encoding="ascii")
            return found
        raise UnavailableError("no port is free on 127.0.0.1")


def _environment() -> dict[str, str]:
    # PGDATA, PGPORT and the like of the user are meant for other servers.
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _write_secret(path: Path, secret: str) -> None:
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secret + "\n")


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "it left no word"
    return next(
        (line for line in reversed(lines) if "FATAL" in line or "could not" in line), (lines or ["no word"])[-1]
    )


def _remove_tree(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
