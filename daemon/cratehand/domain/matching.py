"""Which track of the catalogue is meant by "artist - title (version)", a path, or both: pure scoring.

A path decides first, then an ISRC, then the name. Version words have to agree: a remix is never taken for the original.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from cratehand.domain.ids import TrackId
from cratehand.domain.track import TrackSummary
from cratehand.domain.track_names import Name, normalise, parse_name

THRESHOLD: Final = 0.8
"""A name that fits worse is not taken, only shown as the nearest."""

_SAME_FILE_NAME: Final = 0.95
_SAME_STEM: Final = 0.9
_NEAREST_FROM: Final = 0.35
_MOST_POSTINGS: Final = 3000
"""Words are looked up from the rarest on until this many entries were seen, so that "the" costs nothing."""
_MOST_COMPARED: Final = 50
_AMBIGUOUS: Final = 0.75
_UNKNOWN_GAP_S: Final = 3.0
_FAR_S: Final = 20.0
_FAR_PART: Final = 0.1
_GENERIC_STEM: Final = re.compile(
    r"(?:audio|track|title|titel|untitled|unknown|spur|piste|side)?[\s_\-.]*[a-d]?\d*", re.IGNORECASE
)
"""File names that say nothing: ``01``, ``Track 3``."""
_NUMBERING: Final = re.compile(r"^(?:[a-d]?\d{1,3}\s*[._\-)]+\s*|0\d\s+)+(?=\D)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedTrack:
    """What one line of a foreign playlist says of a track. None is "not said"."""

    artist: str | None = None
    title: str | None = None
    path: str | None = None
    """Absolute, in the notation of the machine that wrote the list."""
    duration_s: float | None = None
    isrc: str | None = None
    line: int = 0
    """Line of the file, from 1; 0 where it comes from none."""

    def __str__(self) -> str:
        named = " - ".join(part for part in (self.artist, self.title) if part)
        return named or self.path or self.isrc or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What the catalogue says of a track that may be meant."""

    id: TrackId
    artist: str | None = None
    title: str | None = None
    mix: str | None = None
    path: str | None = None
    duration_s: float | None = None
    isrc: str | None = None

    def __str__(self) -> str:
        named = " - ".join(part for part in (self.artist, self.title) if part)
        return named or self.path or self.id


def candidate_from(summary: TrackSummary) -> Candidate:
    """Make a candidate of what a list shows of a track."""
    return Candidate(
        id=summary.id,
        artist=summary.artist,
        title=summary.title,
        path=None if summary.path is None else str(summary.path),
        duration_s=summary.duration_s,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackMatch:
    """The answer for one wanted track."""

    wanted: WantedTrack
    best: Candidate | None
    """None where nothing fits well enough."""
    score: float
    """0..1, of `best`, else of `nearest`."""
    reason: str
    """Why it was taken or not, in words."""
    nearest: Candidate | None = None
    """What came next to it where nothing was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    candidate: Candidate
    name: Name


class CandidateIndex:
    """The catalogue, indexed for `match`: 50,000 tracks in about 2 s."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._entries: list[_Entry] = []
        self._by_exact_path: dict[str, int] = {}
        self._by_path: dict[str, int] = {}
        self._by_file_name: defaultdict[str, list[int]] = defaultdict(list)
        self._by_stem: defaultdict[str, list[int]] = defaultdict(list)
        self._by_isrc: dict[str, int] = {}
        self._by_word: defaultdict[str, list[int]] = defaultdict(list)
        for candidate in candidates:
            self._add(candidate)

    def __len__(self) -> int:
        return len(self._entries)

    def _add(self, candidate: Candidate) -> None:
        index = len(self._entries)
        name = _name_of(candidate.artist, candidate.title, candidate.path, mix=candidate.mix)
        self._entries.append(_Entry(candidate=candidate, name=name))
        if candidate.path:
            folded = _fold_path(candidate.path)
            self._by_exact_path.setdefault(candidate.path, index)
            self._by_path.setdefault(folded, index)
            file_name = _file_name(folded)
            self._by_file_name[file_name].append(index)
            self._by_stem[_stem(file_name)].append(index)
        if candidate.isrc and (isrc := _fold_isrc(candidate.isrc)):
            self._by_isrc.setdefault(isrc, index)
        for word in {*name.long_title.split(), *(word for artist in name.artists for word in artist.split())}:
            self._by_word[word].append(index)

    def by_path(self, path: str) -> Candidate | None:
        """Return the candidate with this very path, else with one that differs in letter case, slashes, NFC or NFD."""
        index = self._by_exact_path.get(path, self._by_path.get(_fold_path(path)))
        return None if index is None else self._entries[index].candidate

    def by_isrc(self, isrc: str) -> Candidate | None:
        """Return the candidate with this ISRC, dashes or not."""
        index = self._by_isrc.get(_fold_isrc(isrc))
        return None if index is None else self._entries[index].candidate

    def by_file_name(self, path: str) -> tuple[list[_Entry], float]:
        """Return those with the same file name, else the same name with another suffix, and what that is worth."""
        file_name = _file_name(_fold_path(path))
        if same := self._by_file_name.get(file_name):
            return [self._entries[index] for index in same], _SAME_FILE_NAME
        return [self._entries[index] for index in self._by_stem.get(_stem(file_name), [])], _SAME_STEM

    def like(self, name: Name) -> list[_Entry]:
        """Return those that share the most and the rarest words with a name."""
        words = {*name.long_title.split(), *(word for artist in name.artists for word in artist.split())}
        postings = sorted((self._by_word[word] for word in words if word in self._by_word), key=len)
        hits: Counter[int] = Counter()
        seen = 0
        for posting in postings:
            if hits and seen + len(posting) > _MOST_POSTINGS:
                # A common word still tells the found ones apart.
                hits.update(hits.keys() & set(posting))
            else:
                hits.update(posting)
                seen += len(posting)
        return [self._entries[index] for index, _ in hits.most_common(_MOST_COMPARED)]


def match(wanted: WantedTrack, index: CandidateIndex) -> TrackMatch:
    """Find the track that is meant.

    Returns:
        The best candidate with its score and the reason; without one, the nearest and why it was not taken.
    """
    if wanted.path and (found := index.by_path(wanted.path)):
        return TrackMatch(wanted=wanted, best=found, score=1.0, reason="same path")
    if wanted.isrc and (found := index.by_isrc(wanted.isrc)):
        return TrackMatch(wanted=wanted, best=found, score=1.0, reason="same ISRC")
    name = _name_of(wanted.artist, wanted.title, wanted.path)
    if wanted.path and (by_name := _match_file_name(wanted, wanted.path, name, index)):
        return by_name
    return _match_name(wanted, name, index)


def match_all(wanted: Iterable[WantedTrack], index: CandidateIndex) -> list[TrackMatch]:
    """Find the tracks that a list means, in its order."""
    return [match(each, index) for each in wanted]


def _match_file_name(wanted: WantedTrack, path: str, name: Name, index: CandidateIndex) -> TrackMatch | None:
    entries, worth = index.by_file_name(path)
    fitting = [entry for entry in entries if not _contradicts(wanted, name, entry)]
    if not fitting:
        return None
    depths = [_common_folders(path, entry.candidate.path or "") for entry in fitting]
    deepest = max(depths)
    best = [entry for entry, depth in zip(fitting, depths, strict=True) if depth == deepest]
    generic = _GENERIC_STEM.fullmatch(_stem(_file_name(_fold_path(path)))) is not None
    if len(best) > 1 or (generic and deepest == 0):
        return None
    reason = "same file name in another folder" if worth == _SAME_FILE_NAME else "same file name, another kind of file"
    return TrackMatch(wanted=wanted, best=best[0].candidate, score=worth, reason=reason)


def _contradicts(wanted: WantedTrack, name: Name, entry: _Entry) -> bool:
    """Whether what is said of the wanted track speaks against an entry of the same file name."""
    if _is_far(wanted.duration_s, entry.candidate.duration_s):
        return True
    if not (wanted.title and entry.candidate.title):
        return False
    return _title_score(name, entry.name) < 0.5


def _match_name(wanted: WantedTrack, name: Name, index: CandidateIndex) -> TrackMatch:
    nothing = TrackMatch(wanted=wanted, best=None, score=0.0, reason="not in the catalogue")
    scored = [(*_score(wanted, name, entry), entry) for entry in index.like(name)] if name.title else []
    if not scored:
        return nothing
    # Of equals the one whose length is nearer, then the earlier in the catalogue.
    score, reason, entry = max(scored, key=lambda each: (each[0], -_length_gap(wanted, each[2])))
    if score < _NEAREST_FROM:
        return nothing
    if not name.artists and len({each[2].name.artists for each in scored if each[0] == score}) > 1:
        score, reason = min(score, _AMBIGUOUS), "several artists have a track of this title"
    if score < THRESHOLD:
        return TrackMatch(wanted=wanted, best=None, score=score, reason=reason, nearest=entry.candidate)
    return TrackMatch(wanted=wanted, best=entry.candidate, score=score, reason=reason)


def _score(wanted: WantedTrack, name: Name, entry: _Entry) -> tuple[float, str]:
    """Return 0..1 and the reason."""
    artist = _artist_score(name.artists, entry.name.artists)
    if artist is not None and artist < _NEAREST_FROM:
        return 0.0, "another artist"
    title = _title_score(name, entry.name)
    version = name.version.agreement(entry.name.version)
    if artist is None:
        # Nobody is named: only the very title will do, and it is not certain.
        score = title * 0.85 if title == 1.0 else title * 0.7
    else:
        # A misspelt title counts more than a misspelt artist: titles of one artist are often alike.
        score = title**1.5 * artist
    reason = "same artist and title" if title == 1.0 and artist == 1.0 else "similar artist and title"
    if artist is None:
        reason = "same title, no artist to compare" if title == 1.0 else "similar title, no artist to compare"
    if version == 0.0:
        return min(score * 0.75, THRESHOLD - 0.05), "another version"
    if version < 1.0:
        reason = "same title, the version names nobody"
    if _is_far(wanted.duration_s, entry.candidate.duration_s):
        return min(score * 0.9, THRESHOLD - 0.01), f"{reason}, but its length differs"
    return score * version, reason


def _title_score(wanted: Name, found: Name) -> float:
    pairs = {(wanted.title, found.title), (wanted.long_title, found.long_title)}
    if any(one == other and one for one, other in pairs):
        return 1.0
    return max(_similarity(one, other) for one, other in pairs)


def _artist_score(wanted: frozenset[str], found: frozenset[str]) -> float | None:
    if not wanted or not found:
        return None
    shared = wanted & found
    if wanted == found:
        return 1.0
    if shared:
        # A guest or a collaborator that one side leaves out.
        return 0.9 + 0.1 * len(shared) / len(wanted | found)
    together = _similarity(" ".join(sorted(wanted)), " ".join(sorted(found)))
    each = max(_similarity(one, other) for one in wanted for other in found)
    return max(together, each * 0.95)


def _similarity(one: str, other: str) -> float:
    if not one or not other:
        return 0.0
    if one.replace(" ", "") == other.replace(" ", ""):
        return 1.0
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if matcher.real_quick_ratio() < 0.5 or matcher.quick_ratio() < 0.5:
        return 0.0
    ratio = matcher.ratio()
    # Numbers are names, not spelling: "Part 2" is not "Part 3".
    if re.findall(r"\d+", one) != re.findall(r"\d+", other):
        ratio *= 0.8
    return ratio


def _is_far(wanted_s: float | None, found_s: float | None) -> bool:
    if wanted_s is None or found_s is None:
        return False
    return abs(wanted_s - found_s) > max(_FAR_S, _FAR_PART * wanted_s)


def _length_gap(wanted: WantedTrack, entry: _Entry) -> float:
    if wanted.duration_s is None or entry.candidate.duration_s is None:
        return _UNKNOWN_GAP_S
    return abs(wanted.duration_s - entry.candidate.duration_s)


def _name_of(artist: str | None, title: str | None, path: str | None, *, mix: str | None = None) -> Name:
    if not title and path:
        stem = _NUMBERING.sub("", _stem(path.replace("\\", "/").rsplit("/", 1)[-1])).replace("_", " ")
        before, dash, after = stem.partition(" - ")
        artist, title = (artist or before, after) if dash else (artist, stem)
    return parse_name(artist, title, mix=mix)


def _fold_path(path: str) -> str:
    return unicodedata.normalize("NFC", path).replace("\\", "/").casefold()


def _file_name(folded: str) -> str:
    return folded.rsplit("/", 1)[-1]


def _stem(file_name: str) -> str:
    stem, dot, _ = file_name.rpartition(".")
    return stem if dot and stem else file_name


def _common_folders(one: str, other: str) -> int:
    parts: Sequence[str] = _fold_path(one).split("/")[-2::-1]
    others: Sequence[str] = _fold_path(other).split("/")[-2::-1]
    depth = 0
    for part, its in zip(parts, others, strict=False):
        if part != its or not part:
            break
        depth += 1
    return depth


def _fold_isrc(isrc: str) -> str:
    return normalise(isrc).replace(" ", "").upper()
