"""What voice, room and audience are learnt from: real speech and music of Debian packages, and singing made of the
speech.

The packages (`MUSIC`, `SPEECH`) are unpacked below one folder, each into a folder of its name, for instance with
``apt-get download NAME && dpkg -x NAME_*.deb FOLDER/NAME``. None of this sound is kept in the project. Everything is
mono at the rate of the analysis.
"""

import hashlib
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_toeplitz
from scipy.signal import fftconvolve, lfilter

RATE_HZ: Final = 22_050
Wave = npt.NDArray[np.float32]

MUSIC: Final = {
    "fit": ("asc-music", "fretsonfire-songs-muldjord", "naev-data", "singularity-music", "supertux-data",
            "unknown-horizons", "wesnoth-1.16-music", "zaz-data"),
    "test": ("fb-music-high", "fretsonfire-songs-sectoid", "freedroidrpg-data", "hedgewars-data", "hyperrogue-music",
             "megaglest-data", "warzone2100-music"),
}  # fmt: skip
"""Music without a voice; no package stands on both sides."""
WITH_A_VOICE: Final = frozenset(
    {
        "GameLost", "StartOfGame", "cosmostation", "day", "ghostforest2", "intro", "battle-epic", "track14",
    }
)  # fmt: skip
"""Names of files in them that do have one (found with YAMNet, then left out)."""
SPEECH: Final = {
    "fit": ("asterisk-core-sounds-en-g722", "asterisk-core-sounds-es-g722", "asterisk-core-sounds-fr-g722",
            "asterisk-core-sounds-it-g722", "asterisk-core-sounds-ru-g722", "klettres-data"),
    "test": ("hedgewars-data", "ktuberling-data"),
}  # fmt: skip
"""People who speak: on the one side operators and teachers in 25 languages, on the other actors and volunteers."""
_SOUNDS: Final = (".ogg", ".mp3", ".opus", ".flac", ".wav", ".g722")
_LEAST_SONG_BYTES: Final = 300_000
_SONG_S: Final = 60.0
_SONGS: Final = 10
_SPEAKER_S: Final = 40.0
_TONGUE_HOP: Final = 220
_TONGUE_WINDOW: Final = 512
_TONGUE_ORDER: Final = 22


def decode(path: Path, *, start_s: float = 0.0, length_s: float | None = None) -> Wave:
    """Return a part of a file; empty where ffmpeg can't read it."""
    length = [] if length_s is None else ["-t", f"{length_s}"]
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "error",
        "-nostdin",
        "-ss",
        f"{start_s}",
        *length,
        "-i",
        str(path),
    ]
    command += ["-ac", "1", "-ar", str(RATE_HZ), "-f", "f32le", "-"]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    return np.frombuffer(done.stdout[: len(done.stdout) // 4 * 4], dtype=np.float32)


def songs(folder: Path, side: str) -> list[Path]:
    """Return the music of one side, in a fixed order, at most `_SONGS` of each package."""
    chosen = []
    for package in MUSIC[side]:
        found = sorted(
            path
            for path in (folder / package).rglob("*")
            if path.suffix.lower() in _SOUNDS
            and path.stat().st_size > _LEAST_SONG_BYTES
            and path.stem not in WITH_A_VOICE
        )
        # Spread over the whole, so that an album's first name does not decide.
        chosen += found[:: max(-(-len(found) // _SONGS), 1)]
    return chosen


def song(path: Path) -> Wave | None:
    """Return a minute of the music; None for what is shorter than 30 s or silent."""
    whole = decode(path, length_s=180.0)
    start = max((whole.size - round(_SONG_S * RATE_HZ)) // 2, 0)
    middle = whole[start : start + round(_SONG_S * RATE_HZ)]
    return middle if middle.size > 30 * RATE_HZ and np.abs(middle).max() > 0.01 else None


def speakers(folder: Path, side: str) -> dict[str, list[Path]]:
    """Return the recordings of each speaker, or language where a package sorts by it; large groups in up to six
    parts."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for package in SPEECH[side]:
        for path in sorted((folder / package).rglob("*")):
            if path.suffix.lower() in _SOUNDS and (package != "hedgewars-data" or "voices" in path.parts):
                # Operators say one language each, over several folders of one package.
                who = "" if package.startswith("asterisk") else path.parent.name
                groups[f"{package} {who}"].append(path)
    parts = {}
    for who, paths in groups.items():
        count = min(max(len(paths) // 60, 1), 6)
        parts.update({f"{who} {part}": paths[part::count] for part in range(count)})
    return {who: paths for who, paths in parts.items() if len(paths) >= 12}


def spoken(paths: Sequence[Path]) -> Wave | None:
    """Return a minute of one speaker, phrase after phrase; None where there are not 12 s."""
    luck = random_of("spoken", *sorted(path.name for path in paths))
    pieces: list[Wave] = []
    length = 0
    for number in luck.permutation(len(paths)):
        phrase = decode(paths[number])
        rms = float(np.sqrt(np.mean(phrase**2))) if phrase.size > RATE_HZ // 4 else 0.0
        if rms > 1e-4:
            pieces += [
                phrase * np.float32(0.1 / rms),
                np.zeros(int(RATE_HZ * luck.uniform(0.08, 0.5)), dtype=np.float32),
            ]
            length += phrase.size
        if length > _SPEAKER_S * RATE_HZ:
            break
    return np.concatenate(pieces) if length > 12 * RATE_HZ else None


def sung(speech: Wave, duration_s: float, rng: np.random.Generator) -> Wave:
    """Let the speaker sing: the shape of the mouth is that of the speech, vowels held, on a melody with slides and
    vibrato.

    The mouth is a linear predictor of order 22 every 10 ms (autocorrelation method, Makhoul 1975); it is excited by
    pulses where the speech is voiced and by noise elsewhere.
    """
    filters, gains, voiced = _mouth(speech[: 14 * RATE_HZ].astype(np.float64))
    hops = round(duration_s * RATE_HZ) // _TONGUE_HOP
    held = rng.uniform(1.5, 3.5)
    place, shapes = float(rng.integers(0, len(gains) // 2)), []
    for _ in range(hops):
        shape = int(place) % len(gains)
        shapes.append(shape)
        place += 1.0 / held if voiced[shape] else 1.0
    melody_hz = _melody(hops, rng)
    voice = np.zeros(hops * _TONGUE_HOP)
    state, phase = np.zeros(_TONGUE_ORDER), 0.0
    for hop, shape in enumerate(shapes):
        source = 0.05 * rng.standard_normal(_TONGUE_HOP)
        if voiced[shape]:
            turns = phase + np.arange(1, _TONGUE_HOP + 1) * melody_hz[hop] / RATE_HZ
            source += np.diff(np.floor(np.append(phase, turns))) * np.sqrt(RATE_HZ / melody_hz[hop])
            phase = float(turns[-1] % 1.0)
        else:
            source *= 20.0
        part = slice(hop * _TONGUE_HOP, (hop + 1) * _TONGUE_HOP)
        voice[part], state = lfilter([1.0], filters[shape], gains[shape] * source, zi=state)
    voice = np.clip(np.nan_to_num(lfilter([1.0], [1.0, -0.9], voice)), -1e3, 1e3)
    return even(voice.astype(np.float32))


def _mouth(
    speech: npt.NDArray[np.float64],
) -> tuple[list[npt.NDArray[np.float64]], npt.NDArray[np.float64], list[bool]]:
    """Return prediction filters, gains, and whether the voice sounds, every 10 ms."""
    bright = lfilter([1.0, -0.95], [1.0], speech)
    window = np.hanning(_TONGUE_WINDOW)
    filters, gains, voiced = [], [], []
    for start in range(0, bright.size - _TONGUE_WINDOW, _TONGUE_HOP):
        frame = bright[start : start + _TONGUE_WINDOW] * window
        same = np.fft.irfft(np.abs(np.fft.rfft(frame, 2 * _TONGUE_WINDOW)) ** 2)[: _TONGUE_ORDER + 1]
        same[0] = same[0] * 1.0005 + 1e-7
        predictor = solve_toeplitz(same[:-1], same[1:])
        filters.append(np.append(1.0, -predictor))
        gains.append(float(np.sqrt(max(same[0] - predictor @ same[1:], 1e-12) / _TONGUE_WINDOW)))
        voiced.append(bool(np.mean(np.abs(np.diff(np.sign(frame)))) / 2.0 < 0.15))
    return filters, np.array(gains), voiced


def _melody(hops: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return the pitch in Hz every 10 ms."""
    scale = (0, 2, 4, 5, 7, 9, 11) if rng.random() < 0.5 else (0, 2, 3, 5, 7, 8, 10)
    lowest, beat_s = int(rng.integers(45, 62)), 60.0 / rng.uniform(80.0, 140.0)
    pitches = np.zeros(hops)
    degree, before, at = 3, float(lowest), 0
    while at < hops:
        length = max(int(rng.choice([0.5, 1.0, 1.0, 2.0, 3.0]) * beat_s * RATE_HZ / _TONGUE_HOP), 4)
        degree = int(np.clip(degree + rng.integers(-2, 3), 0, 9))
        note = float(lowest + 12 * (degree // 7) + scale[degree % 7])
        time_s = np.arange(length) * _TONGUE_HOP / RATE_HZ
        tremble = rng.uniform(0.1, 0.5) * np.sin(2 * np.pi * rng.uniform(4.6, 6.5) * time_s + rng.uniform(0.0, 6.0))
        wander = lfilter([0.1], [1.0, -0.9], rng.normal(0.0, 0.15, length))
        curve = note + (before - note) * np.exp(-time_s / rng.uniform(0.02, 0.08)) + wander
        curve += tremble * np.clip((time_s - 0.15) / 0.3, 0.0, 1.0)
        pitches[at : at + length] = curve[: hops - at]
        before, at = note, at + length
    return np.asarray(440.0 * 2.0 ** ((pitches - 69.0) / 12.0))


def in_a_hall(sound: Wave, rng: np.random.Generator) -> Wave:
    """Return the sound in a hall that rings for 1 to 2.5 s."""
    length_s = rng.uniform(1.0, 2.5)
    time_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    tail = rng.standard_normal(time_s.size) * 10.0 ** (-3.0 * time_s / length_s)
    # High tones die first.
    tail = lfilter([0.5], [1.0, -0.5], tail)
    wet = fftconvolve(sound, tail / np.sqrt(np.sum(tail**2)))[: sound.size]
    return (sound + rng.uniform(0.4, 1.0) * wet).astype(np.float32)


def audience(speeches: Sequence[Wave], frames: int, rng: np.random.Generator) -> Wave:
    """Return people who talk all at once, and now and then clap, RMS about 0.1."""
    crowd = np.zeros(frames)
    for _ in range(24):
        speech = speeches[int(rng.integers(0, len(speeches)))]
        crowd += rng.uniform(0.3, 1.0) * pick(speech, frames, rng)
    claps = np.zeros(frames)
    strikes = rng.random(frames) < rng.uniform(100.0, 900.0) / RATE_HZ
    claps[strikes] = rng.standard_normal(int(strikes.sum()))
    burst = rng.standard_normal(200) * np.exp(-np.arange(200) / 40.0)
    claps = fftconvolve(claps, lfilter([1.0, -1.0], [1.0, -0.6], burst))[:frames]
    swell = np.interp(np.arange(frames), np.linspace(0, frames, 12), rng.uniform(0.0, 1.0, 12) ** 2)
    return even((even(crowd.astype(np.float32)) + 1.5 * swell * even(claps.astype(np.float32))).astype(np.float32))


def pick(sound: Wave, frames: int, rng: np.random.Generator) -> Wave:
    """Return a part of a sound at random, repeated where it is too short."""
    long_enough = np.tile(sound, frames // sound.size + 2)
    start = int(rng.integers(0, long_enough.size - frames))
    return np.asarray(long_enough[start : start + frames], dtype=np.float32)


def even(sound: Wave) -> Wave:
    """Return the sound with an RMS of 0.1 where it sounds."""
    loud = sound[np.abs(sound) > 1e-3 * max(float(np.abs(sound).max(initial=0.0)), 1e-9)]
    rms = float(np.sqrt(np.mean(loud**2))) if loud.size else 1.0
    return (sound * np.float32(0.1 / max(rms, 1e-9))).astype(np.float32)


def random_of(*words: object) -> np.random.Generator:
    """Return luck that depends on the words alone."""
    return np.random.default_rng(list(hashlib.sha256("|".join(map(str, words)).encode()).digest()))
