"""Stems: how clean, how exact, how fast: ``python -m tests.bench.stems [--record] [--quick]``.

Separates what has its single tracks: eight tracks of a synthesiser (``CRATEHAND_BENCH_DATA``, default
``../shared/data``) and arrangements rendered here, with the models whose weights are in the data folder
(``CRATEHAND_DATA_DIR``; ``cratehand models fetch htdemucs``, ``... spleeter-2stems``). SDR is that of the whole excerpt,
10 log10(sum of s² / sum of (s - estimate)²); beside it what the mix itself scores as an estimate. PyTorch's demucs is
asked too where ``CRATEHAND_BENCH_DEMUCS`` names the Python of an environment with it and its weights. The speed of the
network alone, also on a card, is `tests.bench.accelerator`'s.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from cratehand.analysis.overlap import OverlapAdd, Windows, each_window
from cratehand.app.data_folder import DataFolder, default_data_dir
from cratehand.app.model_parts import provider_choice, stem_separation
from cratehand.app.settings import Settings
from cratehand.audio.decode import FileReader
from cratehand.domain.audio import Samples
from cratehand.domain.errors import CratehandError, NotFoundError
from cratehand_models import demucs, spleeter
from tests.bench.rekordbox_collection import BENCH_DATA
from tests.bench.report import Report, command
from tests.bench.truth.multitracks import multitrack

RATE_HZ: Final = 44_100
MODELS: Final = ("htdemucs", "spleeter-2stems")
TRACKS: Final = BENCH_DATA / "audio" / "tracks" / "Oglsdl-Dr8v2"
_SILENT: Final = 1e-6
"""Mean square below which a stem counts as not there."""

Stems = Mapping[str, Samples]


def run(quick: bool) -> Report | None:
    """Measure everything."""
    report = Report(title="Stems", head=("what", "measured", "wanted", "met"))
    report.at_most("a model that returns its input, largest error", identity_error(20.0), 1e-6, "", digits=9)
    for name, error in transform_errors().items():
        report.add(f"{name}: spectrum and back on the host, largest error", f"{error:.1e}")
    length_s = 12.0 if quick else 24.0
    songs = {
        "house, synthesised": multitrack("house", number=1, length_s=length_s, sings=True),
        "techno, synthesised": multitrack("techno", number=2, length_s=length_s, sings=False),
    }
    if TRACKS.is_dir():
        songs["Oglsdl-Dr8v2"] = single_tracks(length_s)
        report.notes.append(
            "Oglsdl-Dr8v2: of its eight tracks one holds no frames and two are silent; the five others are notes of "
            "synthesisers between 190 and 700 Hz, so all of it is `other`, and what comes out elsewhere is leaked."
        )
    settings, models = Settings(), DataFolder(default_data_dir()).models
    with tempfile.TemporaryDirectory() as scratch:
        # The weights are the user's own; what was separated before must not be found.
        folder = DataFolder(Path(scratch))
        folder.models.symlink_to(models)
        for name in MODELS:
            try:
                _measure(report, settings, folder, name, songs)
            except NotFoundError as error:
                report.add(name, f"not measured: {error}")
        _torch_demucs(report, songs, Path(scratch))
    return report


def _measure(report: Report, settings: Settings, folder: DataFolder, model: str, songs: Mapping[str, Stems]) -> None:
    separation, _ = stem_separation(settings, folder, model)
    spent_s, clock_s, audio_s = 0.0, 0.0, 0.0
    for title, stems in songs.items():
        path = _mixed(stems, folder.path / f"{title}.wav")
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        found = separation.separate(path, out=None)
        clock_s, spent_s = clock_s + time.perf_counter() - began_s, spent_s + time.process_time() - began_cpu_s
        audio_s += next(iter(stems.values())).shape[1] / RATE_HZ
        estimates = {stem.kind.value: soundfile.read(stem.path, dtype="float32")[0].T for stem in found}
        report.add(f"{model}: {title}", scores(stems, estimates))
    choice = provider_choice(settings)
    words = f"{audio_s / clock_s:.2f} x real time, {spent_s / audio_s:.2f} s of processor a second of audio"
    report.add(
        f"{model}: speed with decoding and writing", f"{words}; {choice.order[0]}, {settings.models.threads} threads"
    )


def scores(truth: Stems, estimates: Stems) -> str:
    """Say the SDR of each stem that is there, and how loud those are that should be silent."""
    truth = dict(truth)
    if "accompaniment" in estimates:
        truth["accompaniment"] = truth.pop("drums") + truth.pop("bass") + truth.pop("other")
    mix = np.sum(list(truth.values()), axis=0)
    told = []
    for name, stem in truth.items():
        estimate = estimates[name][:, : stem.shape[1]]
        if np.mean(stem**2) > _SILENT * np.mean(mix**2):
            is_all = np.mean((stem - mix) ** 2) <= _SILENT * np.mean(mix**2)
            alone = "all there is" if is_all else f"mix: {sdr_whole_song_db(stem, mix):.1f}"
            told.append(f"{name} {sdr_whole_song_db(stem, estimate):.1f} dB ({alone})")
        else:
            leaked = 10 * np.log10((np.mean(estimate**2) + 1e-12) / np.mean(mix**2))
            told.append(f"{name} silent, {leaked:.0f} dB leaked")
    return ", ".join(told)


def sdr_whole_song_db(stem: Samples, estimate: Samples) -> float:
    """Return the signal-to-distortion ratio over all of a signal."""
    return float(
        10 * np.log10(np.sum(stem.astype(float) ** 2) / (np.sum((stem - estimate).astype(float) ** 2) + 1e-12))
    )


def identity_error(length_s: float) -> float:
    """Return the largest error of what windows of a model that changes nothing add up to."""
    noise = np.random.default_rng(3).uniform(-1.0, 1.0, (2, round(length_s * RATE_HZ))).astype(np.float32)
    worst = 0.0
    for frames in (demucs.WINDOW_FRAMES, spleeter.WINDOW_FRAMES):
        windows = Windows(length_frames=frames, overlap=0.25)
        adding = OverlapAdd(windows, channels=2)
        pieces = [adding.add(window) for window in each_window([noise], windows)]
        back = np.concatenate([*pieces, adding.rest()], axis=1)[:, : noise.shape[1]]
        worst = max(worst, float(np.abs(back - noise).max()))
    return worst


def transform_errors() -> dict[str, float]:
    """Return the largest error of each model's spectrum and back, inside a window of music without its highest bin."""
    rng, inside = np.random.default_rng(4), slice(4096, -4096)
    errors = {}
    for name, frames in (("htdemucs", demucs.WINDOW_FRAMES), ("spleeter-2stems", spleeter.WINDOW_FRAMES)):
        noise = rng.uniform(-0.5, 0.5, (2, frames + 1)).astype(np.float32)
        mix = (noise[:, 1:] + noise[:, :-1]) / 2
        if name == "htdemucs":
            back = demucs.to_wave(demucs.to_spectrum(mix)[0])
        else:
            back = spleeter.to_wave(spleeter.to_spectrum(mix))
        errors[name] = float(np.abs(back - mix)[:, inside].max())
    return errors


def single_tracks(length_s: float) -> dict[str, Samples]:
    """Return the stems of the project of which the single tracks are there, from its tenth second on."""
    reader, other = FileReader(), np.zeros((2, round(length_s * RATE_HZ)), np.float32)
    start = 10 * RATE_HZ
    for path in sorted(TRACKS.glob("*.flac")):
        try:
            samples = np.concatenate(list(reader.blocks(path)), axis=1)
        except CratehandError:
            continue  # the one without frames
        piece = samples[:, start : start + other.shape[1]]
        other[:, : piece.shape[1]] += piece
    silence = np.zeros_like(other)
    return {"drums": silence, "bass": silence, "other": other, "vocals": silence}


def _mixed(stems: Stems, path: Path) -> Path:
    soundfile.write(path, np.sum(list(stems.values()), axis=0).T, RATE_HZ, subtype="FLOAT")
    return path


def _torch_demucs(report: Report, songs: Mapping[str, Stems], scratch: Path) -> None:
    python = os.environ.get("CRATEHAND_BENCH_DEMUCS")
    if python is None:
        report.add("demucs (PyTorch)", "not measured: no environment with it and its weights is named")
        return
    for title, stems in songs.items():
        path = _mixed(stems, scratch / f"{title}.wav")
        arguments = ["-n", "htdemucs", "--float32", "--shifts", "0", "-o", str(scratch / "torch"), str(path)]
        done = subprocess.run(
            [python, "-m", "demucs.separate", *arguments], check=False, capture_output=True, text=True
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            report.add("demucs (PyTorch)", f"not measured: {lines[-1] if lines else 'it failed'}")
            return
        folder = scratch / "torch" / "htdemucs" / title
        found = {name: soundfile.read(folder / f"{name}.wav", dtype="float32")[0].T for name in stems}
        report.add(f"demucs (PyTorch): {title}", scores(stems, found))


if __name__ == "__main__":
    sys.exit(command(run, __doc__))
