"""The demo crate: a few synthesised tracks for whoever has no music at hand yet."""

import logging
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cratehand.app.demo_music import BREAKBEAT, FOUR_TO_THE_FLOOR, HALF_TIME, SAMPLE_RATE_HZ, Score, render
from cratehand.audio.ffmpeg import executable
from cratehand.domain.errors import CratehandError, UnavailableError

_log = logging.getLogger(__name__)

_ALBUM: Final = "cratehand demo crate"
_ENCODERS: Final = {
    ".mp3": ("-c:a", "libmp3lame", "-b:a", "128k"),
    ".m4a": ("-c:a", "aac", "-aac_coder", "fast", "-b:a", "256k"),
}
_ENCODING_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoTrack:
    """One track of the crate."""

    artist: str
    title: str
    genre: str
    year: int
    suffix: str
    score: Score

    @property
    def file_name(self) -> str:
        """``Artist - Title.flac``."""
        return f"{self.artist} - {self.title}{self.suffix}"


DEMO_TRACKS: Final = (
    DemoTrack(
        artist="Paper Lanterns", title="Slow Harbour", genre="Downtempo", year=2019, suffix=".flac",
        score=Score(tempo_bpm=87.0, tonic=2, minor=True, groove=HALF_TIME, bars=24, seed=1),
    ),
    DemoTrack(
        artist="Velvet Meridian", title="Second Balcony", genre="Deep House", year=2021, suffix=".flac",
        score=Score(tempo_bpm=120.0, tonic=9, minor=True, groove=FOUR_TO_THE_FLOOR, bars=40, seed=2),
    ),
    DemoTrack(
        artist="Velvet Meridian", title="Copper Stairs", genre="House", year=2022, suffix=".m4a",
        score=Score(tempo_bpm=124.0, tonic=0, minor=False, groove=FOUR_TO_THE_FLOOR, bars=40, seed=3),
    ),
    DemoTrack(
        artist="Night Tram", title="Depot", genre="Techno", year=2023, suffix=".flac",
        score=Score(tempo_bpm=132.0, tonic=4, minor=True, groove=FOUR_TO_THE_FLOOR, bars=40, seed=4),
    ),
    DemoTrack(
        artist="Night Tram", title="Last Stop", genre="Techno", year=2023, suffix=".mp3",
        score=Score(tempo_bpm=138.0, tonic=11, minor=True, groove=FOUR_TO_THE_FLOOR, bars=40, seed=5),
    ),
    DemoTrack(
        artist="Concrete Garden", title="Two Step Home", genre="UK Garage", year=2020, suffix=".flac",
        score=Score(tempo_bpm=130.5, tonic=5, minor=True, groove=BREAKBEAT, bars=40, seed=6),
    ),
    DemoTrack(
        artist="Glass Engine", title="North Face", genre="Drum & Bass", year=2024, suffix=".flac",
        score=Score(tempo_bpm=174.0, tonic=7, minor=True, groove=BREAKBEAT, bars=48, seed=7),
    ),
)  # fmt: skip
"""Tempi from 87 to 174 BPM, keys around the wheel, lossless and lossy files, 40 to 90 s each."""


def make_demo_crate(folder: Path) -> list[Path]:
    """Write the demo tracks that are not there yet; return all that are there now. Takes a few seconds.

    A track whose encoder fails is left out, with a word in the log.

    Raises:
        UnavailableError: The folder can not be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for track in DEMO_TRACKS:
            if not (folder / track.file_name).exists():
                _make(track, folder / track.file_name)
    except OSError as error:
        raise UnavailableError(
            f"the demo crate {folder} can not be written: {error.strerror or error}: make room, or run without --demo"
        ) from error
    return [path for track in DEMO_TRACKS if (path := folder / track.file_name).exists()]


def _make(track: DemoTrack, target: Path) -> None:
    import soundfile

    # Hidden until it is whole: nobody takes half a file for a track.
    draft = target.with_name(f".{target.stem}.part{target.suffix}")
    sound = draft.with_suffix(".flac")
    try:
        soundfile.write(sound, render(track.score).T, SAMPLE_RATE_HZ, subtype="PCM_16", format="FLAC")
        if target.suffix in _ENCODERS:
            _encode(sound, draft)
        _tag(track, draft)
        draft.replace(target)
    except (soundfile.SoundFileError, subprocess.SubprocessError, CratehandError) as error:
        _log.warning("no demo track %s: %s", target.name, error)
    finally:
        sound.unlink(missing_ok=True)
        draft.unlink(missing_ok=True)


def _encode(source: Path, target: Path) -> None:
    binary = executable()
    exact = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact")
    command = [
        binary,
        "-v",
        "error",
        "-nostdin",
        "-y",
        "-i",
        str(source),
        *_ENCODERS[target.suffix],
        *exact,
        str(target),
    ]
    subprocess.run(command, check=True, timeout=_ENCODING_TIMEOUT_S, capture_output=True, stdin=subprocess.DEVNULL)


def _tag(track: DemoTrack, path: Path) -> None:
    import mutagen

    file: Any = mutagen.File(path, easy=True)
    if file is None:
        raise UnavailableError(f"{path.name} can not be tagged")
    if file.tags is None:
        file.add_tags()
    file["artist"], file["title"], file["genre"] = track.artist, track.title, track.genre
    file["album"], file["date"] = _ALBUM, str(track.year)
    file.save()
