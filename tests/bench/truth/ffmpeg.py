"""The bundled ffmpeg as encoder, decoder and as the peer of loudness."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import imageio_ffmpeg
import numpy as np

CODECS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    # name: (suffix, options)
    **{
        f"mp3 {rate}": ("mp3", ("-c:a", "libmp3lame", "-b:a", f"{rate}k")) for rate in (64, 96, 128, 160, 192, 256, 320)
    },
    "mp3 V0": ("mp3", ("-c:a", "libmp3lame", "-q:a", "0")),
    "mp3 V2": ("mp3", ("-c:a", "libmp3lame", "-q:a", "2")),
    **{f"aac {rate}": ("m4a", ("-c:a", "aac", "-b:a", f"{rate}k")) for rate in (96, 128, 160, 192, 256)},
    **{f"ogg q{quality}": ("ogg", ("-c:a", "libvorbis", "-q:a", str(quality))) for quality in (2, 3, 4, 5, 6, 8)},
    **{f"opus {rate}": ("opus", ("-c:a", "libopus", "-b:a", f"{rate}k")) for rate in (96, 128, 160, 192)},
}
WALLED: Final = frozenset(
    {
        "mp3 64", "mp3 96", "mp3 128", "mp3 160", "mp3 192", "mp3 V2", "aac 96", "aac 128", "aac 160", "aac 192",
        "ogg q2", "ogg q3", "ogg q4",
    }
)  # fmt: skip
"""Classes whose wall lies below 19.9 kHz after issue 3."""


def run(arguments: Sequence[str], *, data: bytes | None = None) -> bytes:
    """Run ffmpeg and return what it wrote to its standard output.

    Raises:
        RuntimeError: It failed; with its last line.
    """
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", "-bitexact", *arguments]
    done = subprocess.run(command, input=data, capture_output=True, timeout=600)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise RuntimeError(f"ffmpeg: {lines[-1] if lines else done.returncode}")
    return done.stdout


def encode(source: Path, target: Path, codec: str, *more: str) -> None:
    """Encode a file with one of `CODECS`."""
    kind = {"mp3": "mp3", "m4a": "ipod", "ogg": "ogg", "opus": "opus"}[CODECS[codec][0]]
    run(["-i", f"file:{source}", "-vn", *CODECS[codec][1], *more, "-f", kind, f"file:{target}"])


def decode_to_flac(source: Path, target: Path, *, rate_hz: int | None = None, dither: bool = False) -> None:
    """Decode a file into 16-bit FLAC."""
    resample = "aresample=" + ":".join(
        [*([f"{rate_hz}"] if rate_hz else []), "osf=s16", *(["dither_method=triangular"] if dither else [])]
    )
    run(
        [
            "-i",
            f"file:{source}",
            "-af",
            resample,
            "-c:a",
            "flac",
            "-compression_level",
            "1",
            "-f",
            "flac",
            f"file:{target}",
        ]
    )


def samples_of(path: Path, *, rate_hz: int = 44_100) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    """Decode a file with ffmpeg into float32 mono."""
    raw = run(["-i", f"file:{path}", "-ac", "1", "-ar", str(rate_hz), "-f", "f32le", "pipe:1"])
    return np.frombuffer(raw, dtype="<f4")


def ebur128(path: Path) -> dict[str, float]:
    """Measure a file with ffmpeg's ebur128 filter: ``integrated_lufs``, ``range_lu``, ``true_peak_dbtp``.

    The metadata of the last frame are read, since the summary rounds to 0.1.
    """
    arguments = [
        "-i",
        f"file:{path}",
        "-af",
        "ebur128=peak=true:metadata=1,ametadata=mode=print:file=-",
        "-f",
        "null",
        "-",
    ]
    text = run(arguments).decode(errors="replace")
    last: dict[str, str] = {}
    highest: dict[str, float] = {}
    for name, value in re.findall(r"lavfi\.r128\.(\w+)=(\S+)", text):
        last[name] = value
        if name.startswith("true_peaks_ch"):
            highest[name] = max(highest.get(name, 0.0), float(value))
        if name == "S":
            highest[name] = max(highest.get(name, -120.0), float(value))
    measured = {"integrated_lufs": float(last["I"]), "range_lu": float(last["LRA"])}
    peaks = [value for name, value in highest.items() if name.startswith("true_peaks_ch")]
    if peaks and max(peaks) > 0:
        measured["true_peak_dbtp"] = float(20.0 * np.log10(max(peaks)))
    if "S" in highest:
        measured["max_short_term_lufs"] = highest["S"]
    return measured
