"""True lossless files of many kinds, and the same music after lossy codecs, decoded back into 16-bit FLAC."""

from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from scipy.signal import butter, firwin, lfilter, oaconvolve, sosfilt

from tests.bench.truth import ffmpeg, tempo_map
from tests.bench.truth.arrangement import Part, perform, random_band
from tests.bench.truth.cache_folder import shared_data
from tests.bench.truth.harmony import random_harmony
from tests.bench.truth.mixdown import Stereo
from tests.bench.truth.recipes import Recipe, save, seeded
from tests.bench.truth.set_tempo import random_tempo
from tests.bench.truth.styles import CLUB, STYLES
from tests.bench.truth.truth import Truth

SET: Final = "quality"
_LENGTH_S: Final = 30.0
_RATE_HZ: Final = 44_100
_FULL_BAND_DB: Final = -95.0
"""Mean power of 20.3 ... 21.5 kHz above which a file counts as full-band; 16-bit rounding noise lies at -111 dB there."""
_FULL_BAND_FALL_DB: Final = 30.0
"""How far the level may fall from 16 to 21 kHz."""
_WALLS_HZ: Final = (15_000, 16_000, 17_000, 18_000, 19_000, 19_500, 20_000, 20_500)
_SHARED: Final = (
    "Alf42red-Mauiwowi", "CapDan-ReggaeTry", "DirtyLove", "Greshz-CoolSnip", "Saber-FinalStep",
    "Shovon-ProgressiveHousePluckDemo", "Skiessi-C64", "StrictProduction-DearJonDoe",
)  # fmt: skip


def recipes(seed: int, *, quick: bool) -> list[Recipe]:
    """Return 204 lossless files and 276 encodes, or about an eighth of them."""
    sources = _sources(seed)
    lossless: list[tuple[str, dict[str, object]]] = [("plain", {"source": source}) for source in sources]
    treatments = {
        "lowpassed": (20, 1), "brickwalled": (40, 1), "vinyl": (14, 1), "tape": (8, 1), "limited": (14, 1), "24-bit": (12, 1),
        "48k": (12, 1), "upsampled": (12, 1), "quiet": (8, 1),
    }  # fmt: skip
    for group, (count, _) in treatments.items():
        lossless += [
            (group, {"source": sources[(7 * number + seed) % len(sources)], "variant": number})
            for number in range(count)
        ]
    if quick:
        lossless = lossless[::6]
    made = [
        Recipe(
            set=SET,
            name=f"{group}-{_short(arguments)}",
            make=true_lossless,
            arguments={"seed": seed, "group": group, **arguments},
        )
        for group, arguments in lossless
    ]
    return made + _encodes(seed, sources, quick=quick)


def _short(arguments: dict[str, object]) -> str:
    source = arguments["source"]
    assert isinstance(source, tuple)
    return f"{source[0]}-{source[1]}" + (f"-{arguments['variant']}" if "variant" in arguments else "")


def _sources(seed: int) -> list[tuple[str, int]]:
    """Return names and positions of excerpts: what is shared, and what is rendered."""
    shared = [(name, second) for name in _SHARED for second in (0, 45)] if shared_data() else []
    rendered = [(f"render{seed}", number) for number in range(64)]
    # Interleaved, so that every stretch of the list has both.
    return [source for pair in zip(rendered[:16], shared, strict=False) for source in pair] + rendered[len(shared) :]


def _encodes(seed: int, sources: list[tuple[str, int]], *, quick: bool) -> list[Recipe]:
    made = []
    for row, codec in enumerate(ffmpeg.CODECS):
        count = 2 if quick else 12
        for number in range(count):
            source = sources[(row * 5 + number * 3 + seed) % min(len(sources), 64)]
            arguments = {"seed": seed, "source": source, "codec": codec, "dither": number % 4 == 3}
            name = f"{codec.replace(' ', '-')}-{source[0]}-{source[1]}-{number}"
            made.append(Recipe(set=SET, name=name, make=transcode, arguments=arguments))
    return made


def original(source: tuple[str, int], seed: int) -> Stereo:
    """Return an excerpt at 44.1 kHz, float32 (2, frames), about 30 s."""
    name, number = source
    if not name.startswith("render"):
        folder = shared_data()
        if folder is None:
            raise FileNotFoundError("the shared music is not there")
        with soundfile.SoundFile(folder / "audio" / f"{name}.flac") as file:
            # A short file is taken from its start, whatever position was asked for.
            start = number * _RATE_HZ
            file.seek(
                start if start + 20 * _RATE_HZ < file.frames else max(0, file.frames - round(_LENGTH_S * _RATE_HZ))
            )
            return np.ascontiguousarray(file.read(round(_LENGTH_S * _RATE_HZ), dtype="float32", always_2d=True).T)
    rng = seeded(seed, SET, name, number)
    kind = STYLES[CLUB[number % len(CLUB)]]
    tempo_bpm = random_tempo(kind, rng)
    bars = int(np.ceil(_LENGTH_S * tempo_bpm / 240.0))
    layers = frozenset({"kick", "snare", "hats", "percussion", "bass", "chords", "lead"})
    times = tempo_map.constant(tempo_bpm, 4 * bars)
    part = Part(label="drop", bars=bars, layers=layers)
    rendered = perform(
        kind, random_harmony(rng), random_band(rng, kind), times, [part], rng, rms_db=rng.uniform(-18.0, -9.0)
    )
    return rendered.samples[:, : round(_LENGTH_S * _RATE_HZ)]


def is_full_band(samples: Stereo) -> bool:
    """Whether the spectrum goes on to 21.5 kHz: above the noise of 16 bits there, and without a fall from 17 kHz on."""
    size = 4_096
    mono = samples.mean(axis=0)
    blocks = mono[: mono.size // size * size].reshape(-1, size) * np.hanning(size).astype(np.float32)
    spectrum = np.mean(np.abs(np.fft.rfft(blocks, axis=1)) ** 2, axis=0)

    def level_db(low_hz: float, high_hz: float) -> float:
        # Parseval with the window's power: sum over bins, twice for negative frequencies.
        bins = slice(round(low_hz * size / _RATE_HZ), round(high_hz * size / _RATE_HZ))
        power = 2.0 * float(spectrum[bins].sum()) / (size * float(np.sum(np.hanning(size) ** 2)))
        return float(10.0 * np.log10(max(power, 1e-20)))

    top_db = level_db(20_300.0, 21_500.0)
    return top_db > _FULL_BAND_DB and top_db > level_db(15_500.0, 16_700.0) - _FULL_BAND_FALL_DB


def true_lossless(path: Path, *, seed: int, group: str, source: tuple[str, int], variant: int = 0) -> Truth:
    """Make a file that never saw a lossy codec."""
    samples = original(source, seed)
    rng = seeded(seed, SET, group, source, variant)
    full_band = is_full_band(samples)
    make = {
        "plain": lambda: save(path, samples),
        "lowpassed": partial(_lowpassed, path, samples, variant),
        "brickwalled": partial(_brickwalled, path, samples, variant),
        "vinyl": partial(_vinyl, path, samples, rng),
        "tape": partial(_tape, path, samples, rng),
        "limited": lambda: save(path, np.clip(samples * np.float32(rng.uniform(1.5, 4.0)), -0.99, 0.99)),
        # At a gain of its own, so that sources of 16 bits fill the others too.
        "24-bit": lambda: save(path, samples * np.float32(rng.uniform(0.5, 0.9)), subtype="PCM_24"),
        "48k": partial(_other_rate, path, samples, 48_000, variant),
        "upsampled": partial(_other_rate, path, samples, 96_000, variant),
        "quiet": lambda: save(path, samples * np.float32(10.0 ** (-rng.uniform(12.0, 30.0) / 20.0))),
    }[group]
    keeps_band = group in ("plain", "limited", "24-bit")
    return Truth(
        name="",
        set=SET,
        group=group,
        duration_s=make(),
        codec="lossless",
        full_band=full_band and keeps_band,
        music=True,
    )


def transcode(path: Path, *, seed: int, source: tuple[str, int], codec: str, dither: bool) -> Truth:
    """Make a 16-bit FLAC of what a lossy codec left."""
    samples = original(source, seed)
    master_path = path.with_suffix(".master.wav")
    encoded = path.with_suffix(f".coded.{ffmpeg.CODECS[codec][0]}")
    try:
        save(master_path, samples)
        ffmpeg.encode(master_path, encoded, codec)
        ffmpeg.decode_to_flac(encoded, path, rate_hz=44_100 if codec.startswith("opus") else None, dither=dither)
    finally:
        master_path.unlink(missing_ok=True)
        encoded.unlink(missing_ok=True)
    return Truth(
        name="", set=SET, group=codec, duration_s=soundfile.info(path).duration, codec=codec, music=True,
        walled=codec in ffmpeg.WALLED, full_band=is_full_band(samples),
    )  # fmt: skip


def _lowpassed(path: Path, samples: Stereo, variant: int) -> float:
    cutoff_hz = (11_000, 13_000, 14_500, 16_000, 17_000, 18_000)[variant % 6]
    sos = butter((2, 4, 6, 8)[variant % 4], cutoff_hz, fs=_RATE_HZ, output="sos")
    return save(path, sosfilt(sos, samples, axis=1).astype(np.float32))


def _brickwalled(path: Path, samples: Stereo, variant: int) -> float:
    taps = firwin(
        (511, 1_023, 2_047)[variant % 3], _WALLS_HZ[variant % len(_WALLS_HZ)], fs=_RATE_HZ, window=("kaiser", 12.0)
    )
    return save(path, oaconvolve(samples, taps[np.newaxis], mode="same", axes=1).astype(np.float32))


def _vinyl(path: Path, samples: Stereo, rng: np.random.Generator) -> float:
    """Wow of 33 1/3 turns a minute, rumble, hiss, crackle, and a cartridge that loses the top."""
    frames = samples.shape[1]
    time_s = np.arange(frames) / _RATE_HZ
    place = np.arange(frames) + 0.0008 * _RATE_HZ * np.sin(2 * np.pi * 0.5555 * time_s)
    played = np.stack([np.interp(place, np.arange(frames), channel) for channel in samples])
    played = sosfilt(butter(2, rng.uniform(14_000, 19_000), fs=_RATE_HZ, output="sos"), played, axis=1)
    hiss = 10.0 ** (rng.uniform(-66.0, -56.0) / 20.0) * rng.standard_normal((2, frames))
    rumble = sosfilt(butter(2, 60.0, fs=_RATE_HZ, output="sos"), 0.05 * rng.standard_normal((2, frames)), axis=1)
    crackle = np.zeros((2, frames))
    places = rng.integers(0, frames, size=int(rng.integers(60, 400)))
    crackle[rng.integers(0, 2, size=places.size), places] = rng.normal(0.0, 0.15, size=places.size)
    crackle = lfilter([1.0], [1.0, -0.6], crackle, axis=1)
    return save(path, (0.85 * played + hiss + rumble + crackle).astype(np.float32))


def _tape(path: Path, samples: Stereo, rng: np.random.Generator) -> float:
    """An old tape: nothing above some 10 kHz but hiss."""
    dull = sosfilt(butter(3, rng.uniform(7_000, 12_000), fs=_RATE_HZ, output="sos"), samples, axis=1)
    hiss = 10.0 ** (rng.uniform(-62.0, -52.0) / 20.0) * rng.standard_normal(samples.shape)
    return save(path, (np.tanh(1.3 * dull) / 1.3 + hiss).astype(np.float32))


def _other_rate(path: Path, samples: Stereo, rate_hz: int, variant: int) -> float:
    quality = ("VHQ", "HQ", "MQ")[variant % 3]
    converted = soxr.resample(samples.T, _RATE_HZ, rate_hz, quality=quality).T
    return save(path, converted, rate_hz=rate_hz, subtype="PCM_24" if variant % 2 else "PCM_16")
