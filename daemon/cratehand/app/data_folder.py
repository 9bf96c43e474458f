"""The data folder: what lies where in it, who may read it, and which daemon owns it now."""

import contextlib
import json
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import platformdirs

from cratehand.app.process_lock import ProcessLock
from cratehand.domain.errors import ConflictError, InvalidInputError, UnavailableError

DATA_DIR_VARIABLE: Final = "CRATEHAND_DATA_DIR"
FOLDER_MODE: Final = 0o711
SECRET_MODE: Final = 0o600
_OWNING_PATIENCE_S: Final = 1.0
"""A command that only looks whether a daemon runs holds the lock for a blink; a starting daemon waits it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What ``ready.json`` says while a daemon serves: surface.md, Files."""

    pid: int
    grpc: str
    """``127.0.0.1:PORT``, as is `osc`."""
    osc: str
    http: str
    """``http://127.0.0.1:PORT``."""
    token_file: str


def default_data_dir() -> Path:
    """Return ``CRATEHAND_DATA_DIR``, else the platform's own place for the data of a user."""
    if named := os.environ.get(DATA_DIR_VARIABLE):
        return Path(named).expanduser().absolute()
    return Path(platformdirs.user_data_dir("cratehand", appauthor=False))


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The layout of one data folder; nothing is made until `make`."""

    path: Path

    @property
    def catalogue(self) -> Path:
        """The catalogue on this device."""
        return self.path / "catalogue.db"

    @property
    def cache(self) -> Path:
        """What can be made again."""
        return self.path / "cache"

    @property
    def models(self) -> Path:
        """Model weights."""
        return self.path / "models"

    @property
    def trash(self) -> Path:
        """Files that were replaced, until they are thrown away."""
        return self.path / "trash"

    @property
    def exports(self) -> Path:
        """What is written for Rekordbox without being asked for each time."""
        return self.path / "exports"

    @property
    def logs(self) -> Path:
        """Rotated logs."""
        return self.path / "logs"

    @property
    def stems(self) -> Path:
        """Stems that sets of Live refer to: they stay."""
        return self.path / "stems"

    def bulk_for_devices(self) -> str:
        """Return the folder where Live devices put what they fetch, with slashes; empty where it can't be made.

        It is emptied: its files belong to devices of an earlier run.
        """
        folder = self.cache / "live"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left in folder.glob("*.json"):
                left.unlink(missing_ok=True)
        except OSError:
            return ""
        return folder.absolute().as_posix()

    @property
    def demo(self) -> Path:
        """The demo crate."""
        return self.path / "demo"

    @property
    def never_music(self) -> tuple[Path, ...]:
        """What is ours and no music: the whole folder, but for the demo crate where there is one."""
        if not self.demo.is_dir():
            return (self.path,)
        usual = {self.cache, self.models, self.trash, self.exports, self.logs, self.stems, self.path / "postgres"}
        try:
            there = set(self.path.iterdir())
        except OSError:
            there = set()
        return tuple(sorted((usual | there) - {self.demo}))

    @property
    def token_file(self) -> Path:
        """The token that the servers ask for."""
        return self.path / "token"

    @property
    def ready_file(self) -> Path:
        """Where a serving daemon is reached."""
        return self.path / "ready.json"

    @property
    def lock_file(self) -> Path:
        """Locked while a daemon owns this folder."""
        return self.path / "daemon.lock"

    def make(self) -> "DataFolder":
        """Make the folder (mode 0711) with its subfolders where they are not there, and see that it can be written.

        Raises:
            InvalidInputError: It is a file.
            UnavailableError: It can not be made or written.
        """
        hint = "choose another with --data-dir"
        if self.path.exists() and not self.path.is_dir():
            raise InvalidInputError(f"the data folder {self.path} is a file: {hint}")
        try:
            if not self.path.exists():
                self.path.mkdir(parents=True)
                self.path.chmod(FOLDER_MODE)
            for folder in (self.cache, self.models, self.trash, self.exports, self.logs):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            reason = error.strerror or str(error)
            raise UnavailableError(f"the data folder {self.path} can not be made: {reason}: {hint}") from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise UnavailableError(f"the data folder {self.path} can not be written: mend its rights, or {hint}")
        return self

    def token(self) -> str:
        """Return the token of the servers; made where there is none, readable by this user only.

        Raises:
            UnavailableError: It can not be read or written.
        """
        try:
            if token := self._stored_token():
                return token
            self._write_whole(self.token_file, secrets.token_urlsafe(32) + "\n", mode=SECRET_MODE)
            return self._stored_token()
        except OSError as error:
            raise UnavailableError(
                f"the token {self.token_file} can not be used: {error.strerror or error}: mend its rights or delete it"
            ) from error

    def _stored_token(self) -> str:
        try:
            if os.name == "posix" and stat.S_IMODE(self.token_file.stat().st_mode) != SECRET_MODE:
                self.token_file.chmod(SECRET_MODE)
            return self.token_file.read_text(encoding="ascii", errors="replace").strip()
        except FileNotFoundError:
            return ""

    def write_ready(self, *, grpc: str, osc: str, http: str) -> None:
        """Say where the servers of this process answer, whole or not at all; raises `UnavailableError`."""
        ready = Ready(pid=os.getpid(), grpc=grpc, osc=osc, http=http, token_file=str(self.token_file))
        try:
            self._write_whole(self.ready_file, json.dumps(asdict(ready), indent=1) + "\n", mode=0o644)
        except OSError as error:
            raise UnavailableError(f"{self.ready_file} can not be written: {error.strerror or error}") from error

    def remove_ready(self) -> None:
        """Say that nothing answers any more; fine where nothing was said."""
        with contextlib.suppress(OSError):
            self.ready_file.unlink(missing_ok=True)

    def read_ready(self) -> Ready | None:
        """Return where the daemon of this folder answers, None where none serves.

        What a killed daemon left behind is not believed: the lock is the truth, since the system drops it with its
        owner and process ids are used again.
        """
        try:
            stored = json.loads(self.ready_file.read_text(encoding="utf-8"))
            ready = Ready(**{name: stored[name] for name in Ready.__dataclass_fields__})
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return ready if self.owner() is not None else None

    def owner(self) -> int | None:
        """Return the process id of the daemon that owns this folder now; None where none does."""
        lock = ProcessLock(self.lock_file)
        if not lock.path.exists():
            return None
        try:
            if lock.acquire():
                lock.release()
                return None
        except OSError:
            return None
        return lock.holder() or -1

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Own the folder for the life of a daemon, or of a restore.

        Raises:
            ConflictError: Another one owns it; the message names its process.
            UnavailableError: The lock file can not be written.
        """
        lock = ProcessLock(self.lock_file)
        try:
            until_s = time.monotonic() + _OWNING_PATIENCE_S
            while not (mine := lock.acquire()) and time.monotonic() < until_s:
                time.sleep(0.05)
        except OSError as error:
            raise UnavailableError(f"{self.lock_file} can not be locked: {error.strerror or error}") from error
        if not mine:
            raise self.in_use(lock.holder())
        try:
            yield
        finally:
            lock.release()

    def in_use(self, holder: int | None) -> ConflictError:
        """Return the error of whoever comes second."""
        who = f"process {holder}" if holder is not None and holder > 0 else "another process"
        return ConflictError(
            f"the data folder {self.path} is in use by another cratehand ({who}): "
            "stop that one, or choose another folder with --data-dir"
        )

    @staticmethod
    def _write_whole(path: Path, text: str, *, mode: int) -> None:
        # mkstemp makes the file 0600, so that a secret is at no moment readable by others.
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(mode)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
