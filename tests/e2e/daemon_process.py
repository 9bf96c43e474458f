"""A real daemon in a process of its own, on a data folder and free ports of its own, never left behind.

    with DaemonProcess(tmp_path / "data", "--watch", str(music)) as daemon:
        daemon.wait_for(lambda: daemon.status().tracks["analysed"] == 3)
        daemon.library.GetTrack(library_pb2.GetTrackRequest(track=...))

Everything that a daemon starts stays in its session (setsid), so that what is left of it can be found and ended even
when the daemon itself was killed.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
import psutil

from cratehand_api.v1 import (
    daemon_pb2,
    daemon_pb2_grpc,
    events_pb2_grpc,
    export_pb2_grpc,
    jobs_pb2,
    jobs_pb2_grpc,
    library_pb2,
    library_pb2_grpc,
    search_pb2_grpc,
    track_pb2,
    upgrades_pb2_grpc,
)

T = TypeVar("T")

PATIENCE_S = 60.0
"""How long anything is waited for that has no limit of its own; generous, since the machine may be busy."""


class DaemonProcess:
    """One daemon; a context manager that ends it and all it started.

    Args:
        data_dir: The data folder.
        arguments: Further words after `cratehand run`; ``--rekordbox off`` is added where Rekordbox isn't mentioned.
        settings: Section and key as in ``watch__settle_s`` to text, given as environment.
    """

    def __init__(self, data_dir: Path, *arguments: str, **settings: str) -> None:
        self.data_dir = data_dir
        words = list(arguments)
        if "--rekordbox" not in words and "watch__rekordbox" not in settings:
            words += ["--rekordbox", "off"]
        self._stderr = data_dir.with_name(data_dir.name + ".stderr")
        with self._stderr.open("ab") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cratehand.app", "run", "--data-dir", str(data_dir), *words],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                env=environment(**settings),
                start_new_session=True,
            )
        self.pid = self.process.pid
        self._channel: grpc.Channel | None = None

    def __enter__(self) -> Self:
        try:
            self.wait_until_ready()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    # --- life ---------------------------------------------------------------------------------------------------

    def wait_until_ready(self) -> dict[str, Any]:
        """Wait for ready.json of this very process and open the channel; return what it says."""

        def ready() -> dict[str, Any] | None:
            assert self.process.poll() is None, f"the daemon ended with {self.process.returncode}:\n{self.said()}"
            try:
                found: dict[str, Any] = json.loads((self.data_dir / "ready.json").read_text())
            except (FileNotFoundError, ValueError):
                return None
            return found if found["pid"] == self.pid else None

        found = wait_for(ready, what="ready.json")
        self.ready = found
        token = Path(found["token_file"]).read_text().strip()
        self._channel = grpc.intercept_channel(
            grpc.insecure_channel(found["grpc"], options=[("grpc.enable_http_proxy", 0)]), _Token(token)
        )
        self.token = token
        self.daemon = daemon_pb2_grpc.DaemonStub(self._channel)
        self.library = library_pb2_grpc.LibraryStub(self._channel)
        self.jobs = jobs_pb2_grpc.JobsStub(self._channel)
        self.search = search_pb2_grpc.SearchStub(self._channel)
        self.export = export_pb2_grpc.ExportStub(self._channel)
        self.upgrades = upgrades_pb2_grpc.UpgradesStub(self._channel)
        self.events = events_pb2_grpc.EventsStub(self._channel)
        return found

    @property
    def osc_port(self) -> int:
        return int(self.ready["osc"].rpartition(":")[2])

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the daemon alone."""
        self.process.send_signal(number)

    def wait(self, *, timeout_s: float = PATIENCE_S) -> int:
        """Wait for its end; return the exit code."""
        return self.process.wait(timeout_s)

    def stop(self, *, timeout_s: float = PATIENCE_S) -> int:
        """Ask it to end; return the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout_s=timeout_s)

    def family(self) -> list[psutil.Process]:
        """Return all processes of this daemon's session that live, itself among them where it does."""
        found = []
        for process in psutil.process_iter():
            try:
                if os.getsid(process.pid) == self.pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (ProcessLookupError, PermissionError, psutil.Error):
                continue
        return found

    def workers(self) -> list[psutil.Process]:
        """Return the processes that read files: those below the fork server, at the lowest priority."""
        found = []
        for process in self.family():
            try:
                if process.pid != self.pid and process.nice() == 19 and "ffmpeg" not in process.name():
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def end(self) -> None:
        """Kill what is left, whatever state it is in; safe to call twice."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        for process in self.family():
            try:
                process.kill()
            except psutil.Error:
                continue
        self.process.wait(10)

    def said(self) -> str:
        """Return what it wrote to the terminal."""
        return self._stderr.read_text(encoding="utf-8", errors="replace")

    # --- questions ----------------------------------------------------------------------------------------------

    def wait_for(self, look: Callable[[], T | None], *, timeout_s: float = PATIENCE_S, what: str = "") -> T:
        """Look again and again until something true comes back; what the daemon said goes into the failure."""
        try:
            return wait_for(look, timeout_s=timeout_s, what=what)
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.said()[-4000:]}\n{self.status()}") from None

    def status(self) -> daemon_pb2.Status:
        return self.daemon.GetStatus(daemon_pb2.GetStatusRequest(), timeout=PATIENCE_S)

    def tracks(self) -> list[track_pb2.TrackSummary]:
        """Return all tracks."""
        answer = self.library.ListTracks(library_pb2.ListTracksRequest(page_size=1000), timeout=PATIENCE_S)
        assert not answer.next_page_token
        return list(answer.tracks)

    def track(self, reference: str | Path) -> track_pb2.Track:
        return self.library.GetTrack(library_pb2.GetTrackRequest(track=str(reference)), timeout=PATIENCE_S)

    def find(self, path: Path) -> track_pb2.TrackSummary | None:
        """Return the track at a path, None where there is none."""
        try:
            return self.track(path).summary
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return None
            raise

    def analysed(self, path: Path) -> track_pb2.TrackSummary | None:
        """Return the track at a path once it is analysed."""
        found = self.find(path)
        return found if found is not None and found.HasField("analysed_at_s") else None

    def wait_until_idle(self, *, analysed: int | None = None, timeout_s: float = PATIENCE_S) -> daemon_pb2.Status:
        """Wait until no job is open (and so many tracks are analysed)."""

        def idle() -> daemon_pb2.Status | None:
            now = self.status()
            is_open = now.jobs.get("queued", 0) + now.jobs.get("running", 0)
            return None if is_open or (analysed is not None and now.tracks["analysed"] != analysed) else now

        return self.wait_for(idle, timeout_s=timeout_s, what=f"idle with {analysed} analysed")

    def set_track(self, reference: str | Path, **values: str) -> None:
        """Record a person's word."""
        self.library.SetTrack(library_pb2.SetTrackRequest(track=str(reference), values=values), timeout=PATIENCE_S)

    def all_jobs(self) -> list[jobs_pb2.Job]:
        return list(self.jobs.ListJobs(jobs_pb2.ListJobsRequest(limit=1000), timeout=PATIENCE_S).jobs)

    def watch(self, folder: Path) -> None:
        self.daemon.AddFolder(daemon_pb2.AddFolderRequest(path=str(folder)), timeout=PATIENCE_S)


class _Token(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Shows the token with every call."""

    def __init__(self, token: str) -> None:
        self._token = token

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(self._shown(details), request)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(self._shown(details), request)

    def _shown(self, details: Any) -> Any:
        return details._replace(metadata=[*(details.metadata or ()), ("authorization", f"Bearer {self._token}")])


def environment(**settings: str) -> dict[str, str]:
    """Return the environment of a daemon or a command: no setting of the developer, free ports, files land quickly."""
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("CRATEHAND")}
    usual = {
        "servers__grpc_port": "0",
        "servers__osc_port": "0",
        "servers__http_port": "0",
        "watch__settle_s": "0.3",
    }
    named = {f"CRATEHAND__{name.upper()}": text for name, text in {**usual, **settings}.items()}
    return {**clean, **named, "PYTHONUNBUFFERED": "1"}


def command(
    data_dir: Path, *words: str, timeout_s: float = PATIENCE_S, **settings: str
) -> "subprocess.CompletedProcess[bytes]":
    """Run one call of the command line on a data folder."""
    return subprocess.run(
        [sys.executable, "-m", "cratehand.app", *words, "--data-dir", str(data_dir)],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=timeout_s,
        check=False,
        env=environment(**settings),
    )


def wait_for(look: Callable[[], T | None], *, timeout_s: float = PATIENCE_S, what: str = "") -> T:
    """Look again and again until something true comes back; raises TimeoutError."""
    until_s = time.monotonic() + timeout_s
    while True:
        if found := look():
            return found
        if time.monotonic() > until_s:
            raise TimeoutError(f"waited {timeout_s:.0f} s for {what or look}")
        time.sleep(0.05)


def counts(status: daemon_pb2.Status) -> Mapping[str, int]:
    """Return the numbers of tracks as a plain dict, for messages of failed tests."""
    return dict(status.tracks)
