"""Which tracks a landed file may be a copy of, known from its first two minutes and before its analysis."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cratehand.analysis.fingerprint_match import match_fingerprints, read_fingerprint
from cratehand.domain.ids import TrackId
from cratehand.domain.ports import AudioReader, Fingerprinter, FingerprintIndex

_HEARD_S: Final = 120.0
"""What a fingerprint is made of."""
_RELATED_BER: Final = 0.25
_LOOKED_AT: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LikelyTrack:
    """A track that sounds like the landed file at its beginning."""

    track: TrackId
    ber: float
    """Share of differing bits of the fingerprints, 0..0.25."""


class CopySearch:
    """Finds likely tracks without comparing with each of them. Blocking: call it in a lane.

    Args:
        reader: Opens the landed file.
        fingerprinter: As in the analysis.
        index: Over the fingerprints of all tracks.
        fingerprints: Gives the fingerprints of some tracks, as the catalogue believes them.
    """

    def __init__(
        self,
        reader: AudioReader,
        fingerprinter: Fingerprinter,
        index: FingerprintIndex,
        fingerprints: Callable[[Sequence[TrackId]], Mapping[TrackId, str]],
    ) -> None:
        self._reader = reader
        self._fingerprinter = fingerprinter
        self._index = index
        self._fingerprints = fingerprints

    def likely_tracks(self, landed: Path) -> Sequence[LikelyTrack]:
        """Decode two minutes and return the tracks that may carry the same recording, likeliest first.

        Raises like `AudioReader.blocks`; a file too short for a fingerprint has no likely tracks.
        """
        fingerprint = self._fingerprint(landed)
        return [] if fingerprint is None else self.tracks_like(fingerprint)

    def tracks_like(self, fingerprint: str) -> Sequence[LikelyTrack]:
        """Return the same for a fingerprint that is already there."""
        named = [track for track, _ in self._index.candidates(fingerprint, limit=_LOOKED_AT)]
        own, known = read_fingerprint(fingerprint), self._fingerprints(named)
        likely = []
        for track in named:
            match = match_fingerprints(read_fingerprint(known[track]), own) if track in known else None
            if match is not None and match.ber <= _RELATED_BER:
                likely.append(LikelyTrack(track=track, ber=match.ber))
        return sorted(likely, key=lambda each: each.ber)

    def _fingerprint(self, landed: Path) -> str | None:
        declared = self._reader.probe(landed)
        session = self._fingerprinter.session(sample_rate_hz=declared.sample_rate_hz, channels=declared.channels)
        needed = round(_HEARD_S * declared.sample_rate_hz)
        with closing(session):
            for block in self._reader.blocks(landed):
                session.feed(block)
                needed -= block.shape[1]
                if needed <= 0:
                    break
            return session.finish()
