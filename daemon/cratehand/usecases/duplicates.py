"""Copies of one recording in the collection, and which of them is the best."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cratehand.domain.audio_quality import AudioQuality, QualityFinding, QualityVerdict
from cratehand.domain.fields import Field
from cratehand.domain.ids import TrackId
from cratehand.domain.stores import Catalogue, Stores
from cratehand.domain.track import Presence, TrackSummary
from cratehand.usecases.copy_search import LikelyTrack

_COPY_BER: Final = 0.05
"""Up to this share of differing bits two fingerprints are of one master; encodings differ by 0.03 at most."""
_DURATION_S: Final = 3.0
_RANKS: Final = {
    QualityVerdict.GENUINE: 3,
    QualityVerdict.CANNOT_TELL: 2,
    QualityVerdict.LOSSY: 1,
    QualityVerdict.UPSAMPLED: 0,
    QualityVerdict.TRANSCODE: 0,
}
_DEFECTS: Final = frozenset({QualityFinding.TRUNCATED, QualityFinding.CLIPPED, QualityFinding.FAKE_STEREO})


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """One copy."""

    track_id: TrackId
    path: Path
    verdict: str | None
    best: bool
    reason: str
    """What speaks for or against it, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateGroup:
    """All copies of one recording, the best first."""

    title: str | None
    artist: str | None
    copies: tuple[Duplicate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    summary: TrackSummary
    path: Path
    quality: AudioQuality | None
    bit_rate_kbps: float

    @property
    def worth(self) -> tuple[int, int, float]:
        """The order: codec history, defects, bit rate."""
        verdict = self.quality.verdict if self.quality else QualityVerdict.CANNOT_TELL
        defects = len(_DEFECTS & set(self.quality.findings)) if self.quality else 0
        return _RANKS[verdict], -defects, self.bit_rate_kbps

    @property
    def words(self) -> str:
        said = [self.quality.verdict.value if self.quality else "not analysed"]
        if self.quality and self.quality.source_class:
            said.append(f"made from {self.quality.source_class}")
        if self.bit_rate_kbps:
            said.append(f"{self.bit_rate_kbps:.0f} kbit/s")
        said += [finding.value.replace("_", " ") for finding in (self.quality.findings if self.quality else ())]
        return ", ".join(said)


class Duplicates:
    """Finds tracks that are copies of one recording, by the fingerprints of their analyses."""

    def __init__(self, catalogue: Catalogue, likely: Callable[[str], Sequence[LikelyTrack]]) -> None:
        self._catalogue = catalogue
        self._likely = likely

    def groups(self) -> list[DuplicateGroup]:
        """Return all groups of two and more copies that are on this device; remixes and edits stand apart."""
        with self._catalogue.reading() as stores:
            ids = [file.track_id for file in stores.tracks.known_files() if file.presence is Presence.PRESENT]
            fingerprints = {
                track_id: str(fact.value)
                for track_id, fact in stores.facts.believed(ids, Field.FINGERPRINT).items()
                if fact.value
            }
            durations = {
                track_id: float(str(fact.value))
                for track_id, fact in stores.facts.believed(ids, Field.DURATION_S).items()
                if fact.value
            }
            sets = self._together(fingerprints, durations)
            wanted = [track_id for one in sets for track_id in one]
            copies = {copy.summary.id: copy for copy in _copies(stores, wanted)}
        groups = [[copies[track_id] for track_id in one if track_id in copies] for one in sets]
        return [_group(group) for group in groups if len(group) > 1]

    def _together(self, fingerprints: dict[TrackId, str], durations: dict[TrackId, float]) -> list[list[TrackId]]:
        leader: dict[TrackId, TrackId] = {}

        def find(track_id: TrackId) -> TrackId:
            while leader.get(track_id, track_id) != track_id:
                track_id = leader[track_id]
            return track_id

        for track_id, text in fingerprints.items():
            for found in self._likely(text):
                other = found.track
                is_alike = other in fingerprints and other != track_id and found.ber <= _COPY_BER
                gap_s = abs(durations.get(track_id, 0.0) - durations.get(other, 0.0))
                if is_alike and gap_s <= _DURATION_S:
                    leader[find(track_id)] = find(other)
        sets: dict[TrackId, list[TrackId]] = {}
        for track_id in fingerprints:
            sets.setdefault(find(track_id), []).append(track_id)
        return [sorted(one) for one in sets.values() if len(one) > 1]


def _copies(stores: Stores, wanted: Sequence[TrackId]) -> list[_Copy]:
    qualities = stores.facts.believed(wanted, Field.QUALITY)
    rates = stores.facts.believed(wanted, Field.BIT_RATE_KBPS)
    return [
        _Copy(
            summary=summary,
            path=summary.path,
            quality=_quality(qualities[summary.id].value if summary.id in qualities else None),
            bit_rate_kbps=float(str(rates[summary.id].value)) if summary.id in rates else 0.0,
        )
        for summary in stores.tracks.summaries(wanted)
        if summary.path is not None
    ]


def _quality(value: object) -> AudioQuality | None:
    return value if isinstance(value, AudioQuality) else None


def _group(copies: Sequence[_Copy]) -> DuplicateGroup:
    ordered = sorted(copies, key=lambda copy: copy.worth, reverse=True)
    best = ordered[0]
    return DuplicateGroup(
        title=best.summary.title,
        artist=best.summary.artist,
        copies=tuple(
            Duplicate(
                track_id=copy.summary.id,
                path=copy.path,
                verdict=copy.quality.verdict.value if copy.quality else None,
                best=copy is best,
                reason=copy.words,
            )
            for copy in ordered
        ),
    )
