"""The listening queue: what needs ears, the riskiest and most played first."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cratehand.domain.fields import Field
from cratehand.domain.search import TrackFilter
from cratehand.domain.stores import Catalogue
from cratehand.domain.track import TrackSummary

_SURE: Final = 0.9
"""Above this confidence nobody has to listen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewItem:
    """One value of one track that is in doubt."""

    track: TrackSummary
    field: Field
    value: str
    confidence: float
    """0..1, of the believed statement."""
    weight: float
    """What the list is ordered by: doubt times how often the track is played."""
    hint: str
    """What to listen for, and how to record the answer."""


class Review:
    """Finds what a person should listen to. What a person set is never in doubt."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def queue(self, *, limit: int = 50) -> list[ReviewItem]:
        """Return the values in doubt, the heaviest first: (1 - confidence) x (1 + log2(1 + play count))."""
        with self._catalogue.reading() as stores:
            summaries = stores.tracks.summaries(stores.tracks.matching_ids(TrackFilter(analysed=True)))
        items = [item for summary in summaries for item in _doubts(summary)]
        return sorted(items, key=lambda item: (-item.weight, item.track.id, item.field))[:limit]


def _doubts(track: TrackSummary) -> Iterator[ReviewItem]:
    if track.tempo_bpm is None:
        hint = f"no steady tempo was found: `cratehand track set {track.id} tempo=BPM` where there is one"
        yield _item(track, Field.TEMPO_BPM, "", 0.0, hint)
    elif track.tempo_confidence is not None and track.tempo_confidence < _SURE:
        hint = (
            f"tap along: is it {track.tempo_bpm:.2f}, {track.tempo_bpm * 2:.2f} or {track.tempo_bpm / 2:.2f}? "
            f"`cratehand track set {track.id} tempo=double` (or half, or the BPM)"
        )
        yield _item(track, Field.TEMPO_BPM, f"{track.tempo_bpm:.2f}", track.tempo_confidence, hint)
    if track.key is not None and track.key_confidence is not None and track.key_confidence < _SURE:
        hint = f"play it against a track in {track.camelot}: `cratehand track set {track.id} key=...`"
        yield _item(track, Field.KEY, f"{track.key} ({track.camelot})", track.key_confidence, hint)


def _item(track: TrackSummary, field: Field, value: str, confidence: float, hint: str) -> ReviewItem:
    weight = (1.0 - confidence) * (1.0 + math.log2(1 + (track.play_count or 0)))
    return ReviewItem(track=track, field=field, value=value, confidence=confidence, weight=weight, hint=hint)
