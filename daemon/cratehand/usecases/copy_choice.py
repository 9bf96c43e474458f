"""Of two copies of a recording: which one is the track, and which one the candidate."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cratehand.domain.audio_quality import AudioQuality
from cratehand.domain.collection_edit import UPGRADED_PLAYLIST
from cratehand.domain.fields import Field
from cratehand.domain.ids import TrackId
from cratehand.domain.plan_record import CarryOver, FileState, PlanKind, PlanRecord, PlanState, SwapFile, TellRekordbox
from cratehand.domain.stores import Stores
from cratehand.domain.track import Presence, Track
from cratehand.domain.upgrade import CopyName, Judgement, KnownSound


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCopy:
    """A track that may be the current copy of what landed."""

    track: Track
    path: Path
    is_referenced: bool
    """Whether Rekordbox or a playlist refers to it."""
    name: CopyName
    sound: KnownSound | None = None
    """What its analysis found; None where it was not analysed since its file was last looked at."""


def known_copies(stores: Stores, track_ids: Sequence[TrackId]) -> list[KnownCopy]:
    """Return those that are on this device, the one to keep first: referred to, else known the longest."""
    tracks = stores.tracks.many(track_ids)
    summaries = {summary.id: summary for summary in stores.tracks.summaries(list(tracks))}
    sounds = _known_sounds(stores, tracks)
    found = [
        KnownCopy(
            track=track,
            path=track.path,
            is_referenced=track.collection_id is not None or bool(stores.playlists.names_of(track.id)),
            name=CopyName(title=summaries[track.id].title, artist=summaries[track.id].artist),
            sound=sounds.get(track.id),
        )
        for track in tracks.values()
        if track.path is not None and track.presence is Presence.PRESENT and track.id in summaries
    ]
    return sorted(found, key=lambda copy: (not copy.is_referenced, copy.track.added_at_s, copy.track.id))


def _known_sounds(stores: Stores, tracks: Mapping[TrackId, Track]) -> dict[TrackId, KnownSound]:
    read = [track.id for track in tracks.values() if track.analysed_at_s is not None and track.error is None]
    qualities = stores.facts.believed(read, Field.QUALITY)
    fingerprints = stores.facts.believed(read, Field.FINGERPRINT)
    return {
        track_id: KnownSound(
            quality=fact.value,
            fingerprint=str(fingerprints[track_id].value) if track_id in fingerprints else None,
        )
        for track_id, fact in qualities.items()
        if isinstance(fact.value, AudioQuality)
    }


def target_of(current: Path, landed: Path) -> Path:
    """Return where the new file goes: the current name, with the ending of the landed file where that differs."""
    same = {".aif": ".aiff", ".oga": ".ogg"}
    endings = [same.get(path.suffix.lower(), path.suffix.lower()) for path in (current, landed)]
    return current if endings[0] == endings[1] else current.with_suffix(landed.suffix.lower())


def upgrade_plan(
    judgement: Judgement,
    current: tuple[TrackId, FileState],
    landed: FileState,
    *,
    base: Mapping[str, Any],
    are_same: Callable[[Path, Path], bool],
    absorbs: TrackId | None = None,
) -> PlanRecord:
    """Return an open plan for an accepted pair.

    Args:
        judgement: Accepted.
        current: The track and its file.
        landed: The candidate.
        base: ``id``, ``who`` and ``created_at_s``.
        are_same: Whether two paths are one name to the file system, as `FileSwapper.are_same`.
        absorbs: The track that the candidate is, where it has to stay one until then.
    """
    track_id, file = current
    target = target_of(file.path, landed.path)
    if target != file.path and are_same(target, landed.path):
        # Where case makes no difference the folder keeps the spelling that is there, and lists the file by it.
        target = landed.path
    return PlanRecord(
        kind=PlanKind.UPGRADE,
        state=PlanState.OPEN,
        why=judgement.reason,
        track_id=track_id,
        steps=(
            SwapFile(current=file, target=target, landed=landed, merges_tags=True),
            CarryOver(track_id=track_id, path=target, offset_s=judgement.offset_s or 0.0, absorbs=absorbs),
            TellRekordbox(track_id=track_id, playlist=UPGRADED_PLAYLIST),
        ),
        **base,
    )
