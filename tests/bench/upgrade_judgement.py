"""How right the judgement of better copies is: ``python -m tests.bench upgrade_judgement [--quick] [--pairs N] [--record]``.

True pairs (one master in two codecs, with silence before it, resampled, at another level) must be found and aligned; traps
(other recordings, remasters, instrumentals, edits, other speeds, truncations, fakes) must never be accepted. The music is
rendered by `tests.bench.truth` and, where it is there, the shared real tracks; every file is made anew from its seed.
"""

import argparse
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import soxr
from rich.console import Console
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import butter, sosfilt

from cratehand.analysis.quality_meter import QualityMeter
from cratehand.audio import ChromaprintFingerprinter, FileReader, MutagenTags
from cratehand.domain.upgrade import Judgement, Relation
from cratehand.usecases.upgrade_judgement import JudgementTools, UpgradeJudgement
from tests.bench.quality import show
from tests.bench.record import record
from tests.bench.truth import ffmpeg, tempo_map
from tests.bench.truth.arrangement import Part, perform, random_band
from tests.bench.truth.cache_folder import shared_data
from tests.bench.truth.harmony import random_harmony
from tests.bench.truth.mixdown import Stereo
from tests.bench.truth.plans import layers_of
from tests.bench.truth.processes import map_each
from tests.bench.truth.recipes import save, seeded
from tests.bench.truth.set_tempo import random_tempo
from tests.bench.truth.styles import CLUB, STYLES
from tests.bench.truth.voices import sing

_RATE_HZ = 44_100
_LENGTH_S = 60
_RENDERED = 40
_SHARED = (
    "Alf42red-Mauiwowi",
    "DirtyLove",
    "Saber-FinalStep",
    "Shovon-ProgressiveHousePluckDemo",
    "StrictProduction-DearJonDoe",
    "CapDan-ReggaeTry",
)
_CURRENT = (
    "mp3 96", "mp3 128", "mp3 160", "mp3 192", "mp3 256", "mp3 320", "mp3 V0", "mp3 128 bare", "mp3 320 bare", "mp3 V0 bare",
    "aac 128", "aac 256", "ogg q4", "ogg q8", "opus 96", "opus 160",
)  # fmt: skip
_VISIBLE = (
    "mp3 64",
    "mp3 96",
    "mp3 128",
    "mp3 160",
    "mp3 192",
    "mp3 256",
    "mp3 320",
    "mp3 V2",
    "aac 96",
    "aac 128",
    "aac 192",
    "ogg q2",
    "ogg q4",
    "opus 96",
)
_UNSEEN = ("mp3 V0", "aac 256", "ogg q8")
_LATE_S = 1105 / _RATE_HZ
"""By how much the sound of an MP3 without a LAME header starts late: the encoder's and the decoder's delay."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One pair to be made and judged; `number` decides everything about it."""

    kind: str
    number: int


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What came of it."""

    case: Case
    relation: str
    better: str
    accepted: bool
    reason: str
    error_ms: float | None
    """Of the offset of a true pair; None for traps, and where there was no offset."""
    processor_s: float
    numbers: dict[str, float] = field(default_factory=dict)


@lru_cache(maxsize=3)
def master(number: int) -> Stereo:
    """Return 60 s of music: every third an excerpt of a shared track where there are any, else rendered."""
    folder = shared_data()
    if folder is not None and number % 3 == 0:
        import soundfile

        path = folder / "audio" / f"{_SHARED[number // 3 % len(_SHARED)]}.flac"
        start = 12 * (number // 3 // len(_SHARED)) * _RATE_HZ
        frames = soundfile.info(path).frames
        start = min(start, max(frames - _LENGTH_S * _RATE_HZ, 0))
        samples = soundfile.read(path, start=start, frames=_LENGTH_S * _RATE_HZ, dtype="float32")[0].T
        return np.ascontiguousarray(samples)
    rng = seeded("upgrade", number)
    kind = STYLES[CLUB[(5 * number) % len(CLUB)]]
    tempo_bpm = random_tempo(kind, rng)
    bars = 4 * max(round(_LENGTH_S * tempo_bpm / 240.0 / 16.0), 1)
    density = rng.uniform(0.4, 1.0)
    parts = [
        Part(label=label, bars=bars, layers=layers_of(label, density)) for label in ("verse", "break", "drop", "outro")
    ]
    times = tempo_map.constant(tempo_bpm, 4 * sum(part.bars for part in parts), start_s=rng.uniform(0.0, 0.5))
    return perform(kind, random_harmony(rng), random_band(rng, kind), times, parts, rng, rms_db=-13.0).samples


class Workshop:
    """Makes the files of one case."""

    def __init__(self, folder: Path, case: Case) -> None:
        self.folder = folder
        self.rng = seeded("upgrade", case.kind, case.number)
        self.number = int(self.rng.integers(_RENDERED))
        self.sound = master(self.number)
        self._made = 0

    def wave(self, samples: Stereo, *, rate_hz: int = _RATE_HZ, suffix: str = ".flac") -> Path:
        path = self._path(suffix)
        save(path, samples, rate_hz=rate_hz)
        return path

    def coded(self, samples: Stereo, codec: str) -> Path:
        """Encode; ``bare`` is an MP3 without the LAME header."""
        name = codec.removesuffix(" bare")
        target = self._path("." + ffmpeg.CODECS[name][0])
        ffmpeg.encode(self.wave(samples), target, name, *(("-write_xing", "0") if name != codec else ()))
        return target

    def flac_of(self, source: Path) -> Path:
        target = self._path(".flac")
        ffmpeg.decode_to_flac(source, target)
        return target

    def filtered(self, samples: Stereo, filters: str) -> Stereo:
        raw = ffmpeg.run(
            ["-i", f"file:{self.wave(samples)}", "-af", filters, "-ar", str(_RATE_HZ), "-f", "f32le", "pipe:1"]
        )
        return np.frombuffer(raw, dtype="<f4").reshape(-1, 2).T

    def pick(self, *names: str) -> str:
        return str(self.rng.choice(names))

    def _path(self, suffix: str) -> Path:
        self._made += 1
        return self.folder / f"{self._made}{suffix}"


Pair = tuple[Path, Path, float | None]
"""Current, candidate, and the true offset of a true pair."""


def true_pair(shop: Workshop) -> Pair:
    codec = shop.pick(*_CURRENT)
    sound = shop.sound
    late_s = _LATE_S if codec.endswith("bare") else 0.0
    current = shop.coded(sound, codec)
    gain = 10.0 ** (float(shop.rng.choice((0.0, 0.0, -3.0, -9.0))) / 20.0)
    lead = int(shop.rng.integers(0, 2 * _RATE_HZ)) if shop.rng.random() < 0.6 else 0
    rate_hz = int(shop.rng.choice((44_100, 44_100, 48_000, 96_000)))
    landed = np.concatenate([np.zeros((2, lead), np.float32), sound * np.float32(gain)], axis=1)
    if rate_hz != _RATE_HZ:
        landed = soxr.resample(landed.T, _RATE_HZ, rate_hz, quality="VHQ").T
    candidate = shop.wave(landed, rate_hz=rate_hz, suffix=shop.pick(".flac", ".wav", ".aiff"))
    return current, candidate, lead / _RATE_HZ - late_s


def other_recording(shop: Workshop) -> Pair:
    other = (shop.number + 1 + int(shop.rng.integers(_RENDERED - 1))) % _RENDERED
    # Excerpts of one shared track may overlap: those are no other recordings.
    other = other if other % 3 or shop.number % 3 else other + 1
    return shop.coded(shop.sound, shop.pick("mp3 96", "mp3 128")), shop.wave(master(other)), None


def remaster(shop: Workshop) -> Pair:
    sound = shop.sound
    low = sosfilt(butter(2, 180, "low", fs=_RATE_HZ, output="sos"), sound, axis=1)
    high = sosfilt(butter(2, 6_000, "high", fs=_RATE_HZ, output="sos"), sound, axis=1)
    toned = sound + float(shop.rng.uniform(0.15, 0.8)) * low + float(shop.rng.uniform(0.15, 0.6)) * high
    squeezed = _limited(toned, ratio=float(shop.rng.uniform(0.4, 0.7)), above=0.35)
    return _lossy(shop), shop.wave(_limited(squeezed * (1.6 / np.abs(squeezed).max()), ratio=0.0, above=0.9)), None


def _limited(sound: Stereo, *, ratio: float, above: float) -> Stereo:
    level = uniform_filter1d(maximum_filter1d(np.abs(sound).max(axis=0), 441), 441)
    wanted = above * np.maximum(level / above, 1e-6) ** ratio
    return (sound * np.minimum(1.0, wanted / np.maximum(level, 1e-6))).astype(np.float32)


def instrumental(shop: Workshop) -> Pair:
    """The mix has a voice in a third to a half of its time, 6 to 14 dB below the music; the landed file has none."""
    sound, rng = shop.sound, shop.rng
    length_s = sound.shape[1] / _RATE_HZ
    starts = np.arange(2.0, length_s - 6.0, 0.5)
    notes = [(float(at_s), 0.45, int(rng.integers(52, 70))) for at_s in starts if at_s % 16 < 8]
    voice = sing(notes, length_s, rng)[: sound.shape[1]]
    voice = np.pad(voice, (0, sound.shape[1] - voice.size))
    level = 10.0 ** (float(rng.uniform(-14.0, -6.0)) / 20.0) * np.sqrt(
        np.mean(sound**2) / np.mean(voice[voice != 0] ** 2)
    )
    mixed = sound + (voice * level).astype(np.float32)
    scale = np.float32(0.95 / max(np.abs(mixed).max(), 0.95))
    pair = (shop.coded(mixed * scale, shop.pick("mp3 96", "mp3 128", "mp3 192")), shop.wave(sound * scale))
    return (*pair, None)


def edit(shop: Workshop) -> Pair:
    sound = shop.sound
    start, length = (int(shop.rng.uniform(*span) * _RATE_HZ) for span in ((10, 30), (4, 16)))
    return _lossy(shop), shop.wave(np.concatenate([sound[:, :start], sound[:, start + length :]], axis=1)), None


def other_speed(shop: Workshop) -> Pair:
    factor = 1.0 + float(shop.rng.choice((-1, 1))) * float(shop.rng.choice((0.003, 0.005, 0.01, 0.03)))
    if shop.rng.random() < 0.5:
        return _lossy(shop), shop.wave(soxr.resample(shop.sound.T, _RATE_HZ * factor, _RATE_HZ).T), None
    filters = shop.pick(f"atempo={factor}", f"asetrate={_RATE_HZ * factor},aresample={_RATE_HZ},atempo={1 / factor}")
    return _lossy(shop), shop.wave(shop.filtered(shop.sound, filters)), None


def truncated(shop: Workshop) -> Pair:
    lost = int(shop.rng.uniform(1.0, 20.0) * _RATE_HZ)
    kept = shop.sound[:, lost:] if shop.rng.random() < 0.3 else shop.sound[:, :-lost]
    return _lossy(shop), shop.wave(kept), None


def visible_fake(shop: Workshop) -> Pair:
    codec = shop.pick(*_VISIBLE)
    current = shop.coded(shop.sound, shop.pick("mp3 64", "mp3 96", "mp3 128"))
    return current, shop.flac_of(shop.coded(shop.sound, codec)), None


def own_fake(shop: Workshop) -> Pair:
    """Made from the current file itself: a FLAC of it, a file of another codec or rate, or a FLAC of that."""
    current = _lossy(shop, *(codec for codec in _CURRENT if not codec.startswith("opus")))
    plain = shop.flac_of(current)
    way = shop.rng.random()
    if way < 0.35:
        return current, plain, None
    again = shop.folder / "again"
    codec = shop.pick(
        "mp3 128", "mp3 192", "mp3 256", "mp3 320", "mp3 V0", "aac 192", "aac 256", "ogg q6", "ogg q8", "opus 160"
    )
    again = again.with_suffix("." + ffmpeg.CODECS[codec][0])
    ffmpeg.encode(plain, again, codec)
    return current, (again if way < 0.6 else shop.flac_of(again)), None


def equal(shop: Workshop) -> Pair:
    if shop.rng.random() < 0.4:
        return shop.wave(shop.sound), shop.wave(shop.sound, suffix=shop.pick(".wav", ".aiff")), None
    if shop.rng.random() < 0.5:
        up = soxr.resample(shop.sound.T, _RATE_HZ, 96_000).T
        return shop.wave(shop.sound), shop.wave(up, rate_hz=96_000), None
    codec = shop.pick("mp3 128", "mp3 320", "aac 256", "mp3 V0")
    nearly = np.concatenate([np.zeros((2, 700), np.float32), shop.sound], axis=1)
    return shop.coded(shop.sound, codec), shop.coded(nearly, codec), None


def clipped(shop: Workshop) -> Pair:
    loud = shop.sound * np.float32(10.0 ** (float(shop.rng.uniform(4.0, 8.0)) / 20.0) / np.abs(shop.sound).max())
    calm = shop.sound * np.float32(0.89 / np.abs(shop.sound).max())
    return shop.coded(calm, shop.pick("mp3 96", "mp3 128", "mp3 192")), shop.wave(loud), None


def mono(shop: Workshop) -> Pair:
    middle = shop.sound.mean(axis=0, keepdims=True)
    return _lossy(shop), shop.wave(middle if shop.rng.random() < 0.5 else np.repeat(middle, 2, axis=0)), None


def unseen_fake(shop: Workshop) -> Pair:
    current = shop.coded(shop.sound, shop.pick("mp3 96", "mp3 128", "mp3 160"))
    return current, shop.flac_of(shop.coded(shop.sound, shop.pick(*_UNSEEN))), None


def _lossy(shop: Workshop, *codecs: str) -> Path:
    return shop.coded(shop.sound, shop.pick(*(codecs or ("mp3 96", "mp3 128", "mp3 192", "aac 128", "ogg q4"))))


TRAPS: dict[str, Callable[[Workshop], Pair]] = {
    each.__name__.replace("_", " "): each
    for each in (
        other_recording, remaster, instrumental, edit, other_speed, truncated, visible_fake, own_fake, equal, clipped, mono,
    )
}  # fmt: skip
MAKERS = {"true pair": true_pair, **TRAPS, "unseen fake": unseen_fake}
_HEAVY = {"visible fake": 3, "own fake": 3, "other speed": 2, "instrumental": 2, "remaster": 2}


def judge_case(case: Case) -> Judged:
    tools = JudgementTools(
        reader=FileReader(), tags=MutagenTags(), fingerprinter=ChromaprintFingerprinter(), quality_meter=QualityMeter
    )
    with tempfile.TemporaryDirectory() as folder:
        current, candidate, true_s = MAKERS[case.kind](Workshop(Path(folder), case))
        began = os.times()
        found: Judgement = UpgradeJudgement(tools).judge(current, candidate)
        ended = os.times()
        words = f"{current.suffix} {candidate.suffix}: {found.reason}"
    error_ms = None if true_s is None or found.offset_s is None else 1000.0 * abs(found.offset_s - true_s)
    return Judged(
        case=case, relation=found.relation, better=found.better, accepted=found.accepted, reason=words, error_ms=error_ms,
        processor_s=sum(ended[:4]) - sum(began[:4]), numbers=found.numbers,
    )  # fmt: skip


def cases(pairs: int) -> list[Case]:
    made = [Case(kind="true pair", number=number) for number in range(pairs)]
    weights = {kind: _HEAVY.get(kind, 1) for kind in TRAPS}
    for kind, weight in weights.items():
        count = max(round(pairs * weight / sum(weights.values())), 1)
        made += [Case(kind=kind, number=number) for number in range(count)]
    return made + [Case(kind="unseen fake", number=number) for number in range(max(pairs // 8, 3))]


def report(judged: list[Judged]) -> list[list[str]]:
    """One row a kind."""
    groups: defaultdict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        groups[each.case.kind].append(each)
    rows = []
    for kind, members in groups.items():
        errors = sorted(each.error_ms for each in members if each.error_ms is not None)
        fine = (
            f"{sum(error <= 0.5 for error in errors)} of {len(members)}, median {np.median(errors):.4f} ms"
            if errors
            else ""
        )
        said = [sum(each.relation == relation for each in members) for relation in Relation]
        costs = np.median([each.processor_s for each in members])
        accepted = sum(each.accepted for each in members)
        rows.append([kind, str(len(members)), " / ".join(map(str, said)), str(accepted), fine, f"{costs:.1f} s"])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Judgement of better copies")
    parser.add_argument("--quick", action="store_true", help="60 true pairs and 60 traps")
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--record", action="store_true", help="write the table to BENCHMARKS.md")
    arguments = parser.parse_args()
    began_s = time.monotonic()
    wanted = cases(60 if arguments.quick else arguments.pairs)
    results = map_each(judge_case, wanted, workers=arguments.workers)
    judged = [result for result in results if isinstance(result, Judged)]
    console = Console(width=170)
    heads = ["kind", "pairs", "same / related / different", "accepted", "offset within 0.5 ms", "processor time"]
    table = show(console, "Judgement of better copies", heads, report(judged))
    for case, result in zip(wanted, results, strict=True):
        if isinstance(result, BaseException):
            console.print(f"{case}: {result!r}", highlight=False)
        elif (case.kind == "true pair") != (result.accepted) or (
            case.kind == "true pair" and (result.error_ms or 9) > 0.5 and result.error_ms != 0.0
        ):
            console.print(
                f"{case.kind} {case.number}: {result.relation} {result.better} {result.accepted}: {result.reason} {result.error_ms}",
                highlight=False,
            )
    console.print(f"{time.monotonic() - began_s:.0f} s")
    if arguments.record:
        record("Judgement of better copies", table)


if __name__ == "__main__":
    main()
