"""The pairs of files that the judgement of better copies is tried on: one master twice, and traps.

True pairs are one master in two codecs, with silence before it, resampled, at another level; traps are other recordings,
remasters, instrumentals, edits, other speeds, truncations, fakes. The music is rendered by `tests.bench.truth` and, where
it is there, cut from the shared real tracks; every file is made anew from the seed and the number of its case.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soxr
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import butter, sosfilt

from tests.bench.truth import ffmpeg, tempo_map
from tests.bench.truth.arrangement import Part, perform, random_band
from tests.bench.truth.cache_folder import shared_data
from tests.bench.truth.harmony import random_harmony
from tests.bench.truth.mixdown import Stereo
from tests.bench.truth.plans import layers_of
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
_OWNED = (
    "mp3 128", "mp3 192", "mp3 256", "mp3 320", "mp3 V0", "mp3 V2", "aac 128", "aac 192", "aac 256", "ogg q4", "ogg q6",
    "ogg q8", "opus 128", "opus 192",
)  # fmt: skip
_AGAIN = ("mp3 V0", "mp3 320", "mp3 256", "aac 256", "ogg q8", "opus 160")
"""Fine enough to leave neither a wall nor, mostly, traces."""
_LATE_S = 1105 / _RATE_HZ
"""By how much the sound of an MP3 without a LAME header starts late: the encoder's and the decoder's delay."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One pair to be made and judged; `seed` and `number` decide everything about it."""

    kind: str
    number: int
    seed: int = 0
    """Other seeds take other music too."""


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
        self.case = case
        self.rng = seeded("upgrade", case.kind, case.number, *([case.seed] if case.seed else []))
        self.first = _RENDERED * case.seed
        self.number = self.first + int(self.rng.integers(_RENDERED))
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

    def again(self, source: Path, codec: str) -> Path:
        """Encode a file once more."""
        target = self._path("." + ffmpeg.CODECS[codec][0])
        ffmpeg.encode(source, target, codec)
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
    away = 1 + int(shop.rng.integers(_RENDERED - 1))
    other = shop.first + (shop.number - shop.first + away) % _RENDERED
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
    current = shop.coded(shop.sound, shop.pick(*_OWNED))
    plain = shop.flac_of(current)
    way = shop.rng.random()
    if way < 0.2:
        return current, plain, None
    again = shop.again(plain, shop.pick("mp3 128", "mp3 192", "aac 192", "ogg q6", *_AGAIN))
    return current, (again if way < 0.5 else shop.flac_of(again)), None


def fine_own_fake(shop: Workshop) -> Pair:
    """A FLAC of a fine encode of the current file: every current codec with every fine one, in turn."""
    owned, again = divmod(shop.case.number, len(_AGAIN))
    current = shop.coded(shop.sound, _OWNED[owned % len(_OWNED)])
    return current, shop.flac_of(shop.again(shop.flac_of(current), _AGAIN[again])), None


def fine_sibling(shop: Workshop) -> Pair:
    """A FLAC of a lossy file of the master that is no better than the current one: no child of it, and no upgrade."""
    current = shop.pick("mp3 320", "mp3 V0", "mp3 256", "aac 256", "ogg q8")
    other = shop.pick(*(codec for codec in ("mp3 V0", "mp3 256", "aac 256", "ogg q8") if codec != current))
    return shop.coded(shop.sound, current), shop.flac_of(shop.coded(shop.sound, other)), None


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
        other_recording, remaster, instrumental, edit, other_speed, truncated, visible_fake, own_fake, fine_own_fake,
        equal, clipped, mono,
    )
}  # fmt: skip
MAKERS = {"true pair": true_pair, **TRAPS, "unseen fake": unseen_fake, "fine sibling": fine_sibling}
HEAVY = {"visible fake": 3, "own fake": 3, "fine own fake": 4, "other speed": 2, "instrumental": 2, "remaster": 2}
