"""What cratehand needs of the machine: Python, decoders, events of the file system, ports, MIDI, battery."""

import os
import platform
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from cratehand.app.data_folder import Ready
from cratehand.app.finding import Finding, broken, good, note
from cratehand.app.settings import Settings
from cratehand.domain.errors import CratehandError

_OLDEST_PYTHON: Final = (3, 11)
_NEWER_PYTHON: Final = (3, 14)
_FEW_WATCHES: Final = 65_536
_FFMPEG_TIMEOUT_S: Final = 10.0
_ALSA_SEQUENCER: Final = Path("/dev/snd/seq")
_INOTIFY: Final = Path("/proc/sys/fs/inotify")


def check_python() -> Finding:
    """Look at the interpreter."""
    version = f"{platform.python_version()} on {platform.platform(terse=True)}, {platform.machine()}"
    if _OLDEST_PYTHON <= sys.version_info[:2] < _NEWER_PYTHON:
        return good("Python", version)
    return broken("Python", version, "install cratehand with Python 3.11, 3.12 or 3.13")


def check_sqlite() -> Finding:
    """Look at which SQLite opens the catalogue, and whether sqlite-vec goes into it."""
    from cratehand.catalogue.driver import choose_driver

    driver = choose_driver()
    if driver.has_vec:
        return good("SQLite", f"{driver.name}: {driver.reason}")
    return note("SQLite", f"{driver.name}: {driver.reason}", "pip install pysqlite3 (similar works, only slower)")


def check_decoders() -> list[Finding]:
    """Look at what reads audio files."""
    return [_check_sndfile(), _check_ffmpeg()]


def _check_sndfile() -> Finding:
    try:
        import soundfile
    except (ImportError, OSError) as error:
        return broken("libsndfile", f"can not be loaded: {error}", "pip install --force-reinstall soundfile")
    return good("libsndfile", str(soundfile.__libsndfile_version__))


def _check_ffmpeg() -> Finding:
    fix = "pip install --force-reinstall imageio-ffmpeg"
    try:
        from cratehand.audio.ffmpeg import executable

        binary = executable()
        answer = subprocess.run(
            [binary, "-version"], capture_output=True, text=True, timeout=_FFMPEG_TIMEOUT_S, check=True
        )
    except (ImportError, CratehandError, OSError, subprocess.SubprocessError) as error:
        return broken("ffmpeg", f"can not be run, so no m4a and aac: {error}", fix)
    first = answer.stdout.splitlines()[0] if answer.stdout else "?"
    return good("ffmpeg", f"{first.partition(' Copyright')[0]} ({binary})")


def check_inotify() -> Finding | None:
    """Look at how many folders Linux lets a user watch; None elsewhere."""
    try:
        most = int((_INOTIFY / "max_user_watches").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    if most >= _FEW_WATCHES:
        return good("inotify", f"{most} folders can be watched")
    fix = "echo fs.inotify.max_user_watches=524288 | sudo tee /etc/sysctl.d/60-cratehand.conf; sudo sysctl --system"
    return note("inotify", f"only {most} folders can be watched; the sweep finds what lies in the others", fix)


def check_ports(settings: Settings, ready: Ready | None) -> list[Finding]:
    """Look whether the servers can have their ports, or have them already."""
    servers = settings.servers
    wanted = (
        ("grpc_port", servers.grpc_port, socket.SOCK_STREAM, ready.grpc if ready else ""),
        ("osc_port", servers.osc_port, socket.SOCK_DGRAM, ready.osc if ready else ""),
        ("http_port", servers.http_port, socket.SOCK_STREAM, ready.http if ready else ""),
    )
    return [_check_port(servers.host, name, port, kind, ours) for name, port, kind, ours in wanted]


def _check_port(host: str, name: str, port: int, kind: socket.SocketKind, ours: str) -> Finding:
    check = name.replace("_", " ")
    if ours:
        return good(check, f"our daemon serves {ours}")
    if port == 0:
        return good(check, "a free one is picked at each start")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=kind)[0]
        with socket.socket(family, kind) as probe:
            if kind is socket.SOCK_STREAM and os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        look = "netstat -ano" if sys.platform == "win32" else f"lsof -nP -i :{port}"
        fix = f"`{look}` shows who has it; or set [servers] {name} = 0 in cratehand.toml"
        return broken(check, f"{host}:{port} can not be had: {error.strerror or error}", fix)
    return good(check, f"{host}:{port} is free")


def check_midi() -> Finding:
    """Look for MIDI ports; none is no fault."""
    if sys.platform == "linux" and not _ALSA_SEQUENCER.exists():
        return good("MIDI", f"no MIDI here (no {_ALSA_SEQUENCER}); nothing needs it")
    try:
        import mido

        ports: Any = mido  # its functions are made at run time, out of the backend that is there
        names = sorted({*ports.get_input_names(), *ports.get_output_names()})
    except (ImportError, OSError, SystemError, RuntimeError) as error:
        # rtmidi raises SystemError where the system has no sequencer.
        return good("MIDI", f"no MIDI here ({type(error).__name__}); nothing needs it")
    return good("MIDI", ", ".join(names) if names else "no ports")


def check_battery(settings: Settings) -> Finding:
    """Look whether the battery can be seen, for `[analysis] on_battery`."""
    import psutil

    try:
        battery = getattr(psutil, "sensors_battery", lambda: None)()
    except (OSError, RuntimeError, ValueError) as error:
        battery, reason = None, f"it can not be asked ({error})"
    else:
        reason = "there is none"
    if battery is not None:
        return good("battery", f"{battery.percent:.0f} %, {'plugged in' if battery.power_plugged else 'on battery'}")
    if not settings.analysis.on_battery:
        return note("battery", f"{reason}, so [analysis] on_battery = false has no effect")
    return good("battery", reason)
