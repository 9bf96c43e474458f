"""The halves of tracks that `listen.py` kept, as arrays, and what joins tracks without any labels."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

HELD_OUT: Final = (
    "0ad-data", "asc-music", "fb-music-high", "naev-data", "supertuxkart-data", "ufoai-music", "warzone2100-music",
)  # fmt: skip
"""Albums that the shipped model never heard; `tests/bench/dna.py` measures on them."""
_STEMS: Final = ("fretsonfire",)
"""Albums whose folders hold the parts of one mix each."""
_VERSION: Final = re.compile(
    r"\(.*?\)|\[.*?\]|\b(?:remix|mix|version|ver|edit|live|reprise|theme|intro|outro|loop|short|long|alt|final|part|"
    r"fast|slow|menu|old|new|retro|instrumental|acoustic)\b|\d+",
    re.IGNORECASE,
)
_TEMPO_SHARE: Final = 0.06


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Halves:
    """Tracks in both halves; the second axis is the half.

    Attributes:
        features: ``(tracks, 2, features)``, as `cratehand.analysis.dna.features` names them.
        embedding: ``(tracks, 2, 200)`` of MusiCNN, unit length.
        tags: ``(tracks, 2, 50)``, probabilities.
        dsp: ``(tracks, 2, 96)``.
        mix: ``(tracks, 2, 3)``: tempo in BPM, tonic, 1 for minor; 0, -1, -1 where unknown.
    """

    digests: Sequence[str]
    albums: npt.NDArray[np.str_]
    playlists: npt.NDArray[np.str_]
    titles: Sequence[str]
    artists: npt.NDArray[np.str_]
    features: Floats
    embedding: Floats
    tags: Floats
    dsp: Floats
    mix: Floats

    def __len__(self) -> int:
        return len(self.digests)

    def of(self, chosen: npt.NDArray[np.intp] | Flags) -> "Halves":
        """Return some of the tracks."""
        rows = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        return Halves(
            digests=[self.digests[row] for row in rows],
            albums=self.albums[rows],
            playlists=self.playlists[rows],
            titles=[self.titles[row] for row in rows],
            artists=self.artists[rows],
            features=self.features[rows],
            embedding=self.embedding[rows],
            tags=self.tags[rows],
            dsp=self.dsp[rows],
            mix=self.mix[rows],
        )


def load_halves(cache: Path, kind: str = "whole") -> Halves:
    """Read a cache.

    Args:
        cache: Folder that `listen.py` filled.
        kind: ``whole`` or ``altered``.
    """
    paths = sorted(cache.glob(f"*.{kind}.npz"))
    if not paths:
        raise SystemExit(f"{cache} holds nothing {kind}: run listen.py")
    files = [np.load(path) for path in paths]
    told = [json.loads(str(file["track"])) for file in files]

    def both(name: str) -> Floats:
        return np.array([[file[f"{name}{half}"] for half in (0, 1)] for file in files], dtype=np.float64)

    return Halves(
        digests=[path.name.partition(".")[0] for path in paths],
        albums=np.array([each["album"] for each in told]),
        playlists=np.array([each["playlist"] for each in told]),
        titles=[each["title"] for each in told],
        artists=np.array([each["artist"] or "" for each in told]),
        features=both("features"),
        embedding=both("embedding"),
        tags=both("tags"),
        dsp=both("dsp"),
        mix=both("mix"),
    )


def same_mix(halves: Halves) -> Flags:
    """Whether two files are stems of one mix, ``(tracks, tracks)``."""
    stems = np.array([album.startswith(_STEMS) for album in halves.albums])
    return _alike(halves.playlists) & stems[:, np.newaxis] & stems


def versions(halves: Halves) -> Flags:
    """Whether two tracks of an album are versions of one piece by their titles, ``(tracks, tracks)``."""
    names = np.array([_plain(title) for title in halves.titles])
    return _alike(names) & _alike(halves.albums) & (names != "")[:, np.newaxis]


def neighbours(halves: Halves) -> Flags:
    """Whether two tracks play in one place or are by one artist, ``(tracks, tracks)``."""
    return _alike(halves.playlists) | (_alike(halves.artists) & (halves.artists != "")[:, np.newaxis])


def mixable(halves: Halves) -> Flags:
    """Whether two tracks fit in tempo (within 6 %, or an octave of that) and in key, ``(tracks, tracks)``."""
    tempo, tonic, minor = halves.mix[:, 0].T
    known = (tempo > 0.0) & (tonic >= 0.0)
    octaves = np.log2(np.where(known, tempo, 1.0))
    octaves = octaves[:, np.newaxis] - octaves
    near = np.abs(octaves - np.round(octaves)) < np.log2(1.0 + _TEMPO_SHARE)
    major = np.where(minor == 1.0, tonic + 3.0, tonic)
    hours = (major * 7.0) % 12.0
    apart = np.abs((hours[:, np.newaxis] - hours + 6.0) % 12.0 - 6.0)
    same_mode = minor[:, np.newaxis] == minor
    fits = np.where(same_mode, apart <= 1.0, apart == 0.0)
    return np.asarray(near & fits & known[:, np.newaxis] & known)


RELATIONS: Final[tuple[tuple[str, Callable[[Halves], Flags], float], ...]] = (
    ("stems of one mix", same_mix, 0.3),
    ("versions by title", versions, 0.3),
    ("same playlist or artist", neighbours, 0.1),
    ("key and tempo fit", mixable, 0.05),
)
"""What joins two tracks, and how much all partners together weigh beside 1 for the track itself."""


def wanted(halves: Halves, views: int) -> Floats:
    """Return for each view of each track how the others share its nearness.

    Args:
        halves: The tracks.
        views: How many views of each track follow each other.

    Returns:
        ``(tracks * views, tracks * views)``, rows of sum one, the diagonal 0.
    """
    count = len(halves)
    same = np.eye(count)
    total = np.kron(same, np.ones((views, views))) - np.eye(count * views)
    total /= max(views - 1, 1)
    for _, relation, weight in RELATIONS:
        joined = relation(halves) & ~np.eye(count, dtype=np.bool_)
        spread = np.kron(joined, np.ones((views, views)))
        partners = spread.sum(axis=1, keepdims=True)
        total += weight * spread / np.maximum(partners, 1.0)
    return np.asarray(total / total.sum(axis=1, keepdims=True))


def _alike(words: npt.NDArray[np.str_]) -> Flags:
    return np.asarray(words[:, np.newaxis] == words)


def _plain(title: str) -> str:
    words = re.sub(r"[\W_]+", " ", title.rpartition(".")[0] or title)
    return " ".join(_VERSION.sub(" ", words).casefold().split())
