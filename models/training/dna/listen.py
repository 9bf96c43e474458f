"""Listen to a folder of music as training and evaluation of the DNA need it: halves of tracks, whole or altered.

python models/training/dna/listen.py MUSIC CACHE [--altered]

MUSIC holds one folder for each album or package. FFmpeg has to be on the path. Each track becomes one small file below
CACHE, named by the digest of its bytes, so that a run that was cut off goes on where it stopped.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.track_analyser import TrackAnalyser
from cratehand.app.reading_tools import sound_describer
from cratehand.domain.audio import AudioFormat, Samples
from cratehand.domain.key import Mode

RATE_HZ: Final = 44_100
ENDINGS: Final = (".flac", ".it", ".mod", ".mp3", ".ogg", ".opus", ".s3m", ".wav", ".xm")
_TRACKER: Final = (".it", ".mod", ".s3m", ".xm")
_LEAST_BYTES: Final = {True: 10_000, False: 200_000}
"""Of a tracker's module, which holds notes, and of everything else; less is an effect."""
_LENGTH_S: Final = (30.0, 1_800.0)
_HALF_S: Final = 60.0
_ALTERED_S: Final = 40.0
_LEAST_S: Final = 10.0
_ENCODES: Final = (
    ("libmp3lame", "mp3", 96), ("libmp3lame", "mp3", 128), ("libmp3lame", "mp3", 192),
    ("libopus", "opus", 64), ("aac", "adts", 128),
)  # fmt: skip
_EQ_HZ: Final = (30.0, 120.0, 500.0, 2_000.0, 6_000.0, 16_000.0)
_EQ_DB: Final = 5.0
_GAIN_DB: Final = (-12.0, 2.0)
_EFFECTS: Final = (
    "actor", "ambience", "ambient", "interface", "library", "sfx", "techs", "tilesets", "tutorials", "units", "wav",
)  # fmt: skip
"""Folders of effects and atmospheres."""
_LOSSY: Final = AudioFormat(codec="vorbis", container="ogg", sample_rate_hz=RATE_HZ, channels=2, duration_s=None)
"""Openly lossy, so that nothing searches for traces of codecs."""

Half = Mapping[str, npt.NDArray[np.float32]]
"""``features``, ``embedding``, ``tags``, ``dsp``, and ``mix``: tempo in BPM, tonic, 1 for minor; 0, -1, -1 unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One track of the music folder and what is known of it without listening."""

    digest: str
    path: Path
    album: str
    """The folder right below the music folder."""
    playlist: str
    """The folder that the file lies in: what plays in one place."""
    title: str
    artist: str | None
    duration_s: float


def find_tracks(music: Path, *, only: str | None = None) -> Iterator[Track]:
    """Yield the tracks between half a minute and half an hour, of one album or all; of equal files one."""
    if shutil.which("ffprobe") is None:
        raise SystemExit("ffprobe is not on the path: install FFmpeg")
    seen: set[str] = set()
    for path in sorted((music / only if only else music).rglob("*")):
        parts = path.relative_to(music).parts
        tracker = path.suffix.lower() in _TRACKER
        if path.suffix.lower() not in ENDINGS or len(parts) < 2 or not path.is_file():
            continue
        folders = [part.lower() for part in parts[1:-1]]
        if path.stat().st_size < _LEAST_BYTES[tracker] or not set(_EFFECTS).isdisjoint(folders):
            continue
        digest = hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()[:16]
        duration_s, tags = _probe(path)
        if digest in seen or not _LENGTH_S[0] <= duration_s <= _LENGTH_S[1]:
            continue
        seen.add(digest)
        yield Track(
            digest=digest,
            path=path,
            album=parts[0],
            playlist="/".join(parts[:-1]),
            title=tags.get("title") or path.stem,
            artist=tags.get("artist") or None,
            duration_s=duration_s,
        )


def hear_halves(track: Track) -> Sequence[Half] | None:
    """Listen to the middle minute of each half; None where one of them is silent or can not be read."""
    half_s = track.duration_s / 2.0
    length_s = min(half_s, _HALF_S)
    return _both([_decode(track.path, half * half_s + (half_s - length_s) / 2.0, length_s) for half in (0, 1)])


def hear_altered(track: Track) -> Sequence[Half] | None:
    """Listen to 40 s of each half from anywhere, equalised, with another gain, and once through a lossy codec."""
    rng = np.random.default_rng(int(track.digest[:8], 16))
    half_s = track.duration_s / 2.0
    length_s = min(half_s, _ALTERED_S)
    heard = []
    for half in (0, 1):
        start_s = half * half_s + rng.uniform(0.0, half_s - length_s)
        samples = _equalised(_decode(track.path, start_s, length_s), rng)
        samples *= np.float32(10.0 ** (rng.uniform(*_GAIN_DB) / 20.0))
        heard.append(_recoded(samples, *_ENCODES[rng.integers(len(_ENCODES))]))
    return _both(heard)


def hear(samples: Samples) -> Half | None:
    """Analyse a piece, float32 ``(2, frames)`` at `RATE_HZ`; None where it is under ten seconds or silent."""
    if samples.shape[1] < _LEAST_S * RATE_HZ:
        return None
    analyser = TrackAnalyser(RATE_HZ, 2, declared=_LOSSY)
    analyser.feed(samples)
    found = analyser.finish()
    rate_hz, excerpts = analyser.excerpts()
    describer = sound_describer()
    if describer is None:
        raise SystemExit("ONNX Runtime is not installed: MusiCNN can not listen")
    sound = describer.describe(excerpts, sample_rate_hz=rate_hz)
    features = analyser.dna_features()
    if features is None or sound is None or found.feature_vector is None:
        return None
    key = found.key
    mix = [found.tempo_bpm or 0.0, -1.0 if key is None else key.tonic, -1.0 if key is None else key.mode is Mode.MINOR]
    return {
        "features": features,
        "embedding": sound.embedding,
        "tags": sound.probabilities,
        "dsp": found.feature_vector,
        "mix": np.array(mix, dtype=np.float32),
    }


def save(heard: Sequence[Half], track: Track, path: Path) -> None:
    """Keep both halves and what is known of the track in one file."""
    told = {"album": track.album, "playlist": track.playlist, "title": track.title, "artist": track.artist}
    arrays = {f"{name}{half}": array for half, of_half in enumerate(heard) for name, array in of_half.items()}
    np.savez(path, track=np.array(json.dumps(told)), **arrays)  # type: ignore[arg-type]  # the stub forbids names


def _both(pieces: Sequence[Samples]) -> Sequence[Half] | None:
    heard = [half for piece in pieces if (half := hear(piece)) is not None]
    return heard if len(heard) == len(pieces) else None


def _probe(path: Path) -> tuple[float, dict[str, str]]:
    wanted = "format=duration:format_tags:stream_tags"
    told = _run(["ffprobe", "-v", "error", "-show_entries", wanted, "-of", "json", str(path)])
    try:
        found = json.loads(told)
        tags = {**found["format"].get("tags", {}), **(found.get("streams") or [{}])[0].get("tags", {})}
        return float(found["format"]["duration"]), {name.lower(): text for name, text in tags.items()}
    except (ValueError, KeyError):
        return 0.0, {}


def _decode(path: Path, start_s: float, length_s: float) -> Samples:
    return _samples(["-ss", f"{start_s}", "-t", f"{length_s}", "-i", str(path)])


def _recoded(samples: Samples, codec: str, container: str, kbps: int) -> Samples:
    raw = np.clip(samples, -1.0, 1.0).T.astype("<f4").tobytes()
    given = ["-f", "f32le", "-ac", "2", "-ar", f"{RATE_HZ}", "-i", "-"]
    coded = _run(["ffmpeg", "-v", "error", *given, "-c:a", codec, "-b:a", f"{kbps}k", "-f", container, "-"], given=raw)
    return _samples(["-i", "-"], given=coded)


def _samples(source: Sequence[str], *, given: bytes | None = None) -> Samples:
    raw = _run(["ffmpeg", "-v", "error", *source, "-f", "f32le", "-ac", "2", "-ar", f"{RATE_HZ}", "-"], given=given)
    return np.frombuffer(raw[: len(raw) // 8 * 8], dtype="<f4").reshape(-1, 2).T.copy()


def _run(words: Sequence[str], *, given: bytes | None = None) -> bytes:
    return subprocess.run(words, input=given, capture_output=True, check=False).stdout  # our own words


def _equalised(samples: Samples, rng: np.random.Generator) -> Samples:
    size = 1 << (samples.shape[1] - 1).bit_length()
    hz = np.fft.rfftfreq(size, 1.0 / RATE_HZ)
    gains_db = np.interp(np.log2(np.maximum(hz, 20.0)), np.log2(_EQ_HZ), rng.uniform(-_EQ_DB, _EQ_DB, len(_EQ_HZ)))
    shaped = np.fft.irfft(np.fft.rfft(samples, size) * 10.0 ** (gains_db / 20.0), size)
    return np.asarray(shaped[:, : samples.shape[1]], dtype=np.float32)


def main() -> None:
    """Fill the cache."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("music", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--altered", action="store_true", help="also equalised, at other gains, through codecs")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    for track in find_tracks(options.music):
        for name, listen in (("whole", hear_halves), ("altered", hear_altered)):
            path = options.cache / f"{track.digest}.{name}.npz"
            if path.exists() or (name == "altered" and not options.altered):
                continue
            heard = listen(track)
            if heard is None:
                print(f"nothing to hear: {track.path}")
                break
            save(heard, track, path)
            print(f"{name} {track.path}")


if __name__ == "__main__":
    main()
