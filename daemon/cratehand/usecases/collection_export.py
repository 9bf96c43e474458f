"""The catalogue leaves as a collection that Rekordbox accepts, or as a playlist file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, cast

from cratehand.domain.belief import rank
from cratehand.domain.collection import CollectionChange, CollectionPlaylist, CollectionTrack, Playlist, PlaylistKind
from cratehand.domain.cue import SuggestedCue
from cratehand.domain.cue_rules import CueRule, with_suggestions
from cratehand.domain.errors import ConflictError, NotFoundError
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId, PlaylistId, TrackId
from cratehand.domain.provenance import AnyFact, SourceKind
from cratehand.domain.search import TrackFilter
from cratehand.domain.stores import Catalogue, Stores

_EXPORTED: Final = (
    Field.TITLE, Field.ARTIST, Field.ALBUM, Field.GENRE, Field.LABEL, Field.REMIXER, Field.COMPOSER, Field.MIX,
    Field.GROUPING, Field.COMMENT, Field.YEAR, Field.TRACK_NUMBER, Field.DISC_NUMBER, Field.RATING, Field.COLOUR,
    Field.PLAY_COUNT, Field.DATE_ADDED, Field.DURATION_S, Field.SAMPLE_RATE_HZ, Field.BIT_RATE_KBPS,
    Field.FILE_SIZE_BYTES, Field.KEY,
)  # fmt: skip


class Suggestions(StrEnum):
    """Where our suggested cues go in an export. The DJ's own cues always go out unchanged."""

    NONE = "none"
    MEMORY = "memory"
    PADS = "pads"
    """Free pads as the rules for cues say; what finds none becomes a memory cue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSummary:
    """What went out, for the report to the DJ."""

    tracks: int
    playlists: int
    known_to_rekordbox: int
    """Tracks that are in Rekordbox already: it doesn't update those from XML."""
    without_file: int


WriteCollection = Callable[[Path, CollectionChange], None]
"""Writes a collection to a file, whole or not at all; raises `UnavailableError` where it can't."""


class CollectionExport:
    """Builds collections out of the catalogue and hands them to the writers."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        write_xml: WriteCollection,
        write_m3u8: WriteCollection,
        cue_rules: Sequence[CueRule] = (),
    ) -> None:
        self._catalogue = catalogue
        self._cue_rules = cue_rules
        self._write_xml = write_xml
        self._write_m3u8 = write_m3u8

    def to_rekordbox(
        self,
        target: Path,
        *,
        playlist: str | None = None,
        suggestions: Suggestions = Suggestions.NONE,
        dry_run: bool = False,
    ) -> ExportSummary:
        """Write Rekordbox XML: the whole catalogue, or one playlist or folder; errors as in `build`."""
        change, summary = self.build(playlist=playlist, suggestions=suggestions)
        if not dry_run:
            self._write_xml(target, change)
        return summary

    def to_m3u8(self, target: Path, *, playlist: str | None = None, dry_run: bool = False) -> ExportSummary:
        """Write an M3U8 playlist: one playlist in its order, a folder's tracks once each, or all tracks.

        The writer takes the tracks in the order in which they stand in the change.
        """
        change, summary = self.build(playlist=playlist)
        if not dry_run:
            self._write_m3u8(target, change)
        return summary

    def build(
        self, *, playlist: str | None = None, suggestions: Suggestions = Suggestions.NONE
    ) -> tuple[CollectionChange, ExportSummary]:
        """Return the whole catalogue, or one playlist or folder with its tracks.

        Raises:
            NotFoundError: No playlist of that name.
            ConflictError: Several have it; give the path with its folders.
        """
        with self._catalogue.reading() as stores:
            playlists = _with_parents(stores.playlists.all(), playlist)
            if playlist is None:
                ids: Sequence[TrackId] = stores.tracks.matching_ids(TrackFilter())
            else:
                ids = list(dict.fromkeys(entry for chosen in playlists for entry in chosen.entries))
            tracks = self._tracks(stores, ids, suggestions)
        numbers = {track_id: track.id for track_id, track in tracks.items()}
        exported = [_playlist(chosen, numbers) for chosen in playlists]
        known = sum(track.id.isdecimal() for track in tracks.values())
        summary = ExportSummary(
            tracks=len(tracks),
            playlists=sum(chosen.kind is not PlaylistKind.FOLDER for chosen in playlists),
            known_to_rekordbox=known,
            without_file=len(ids) - len(tracks),
        )
        return CollectionChange(full=True, tracks=list(tracks.values()), playlists=exported), summary

    def _tracks(
        self, stores: Stores, ids: Sequence[TrackId], suggestions: Suggestions
    ) -> dict[TrackId, CollectionTrack]:
        believed = {field: stores.facts.believed(ids, field) for field in _EXPORTED}
        grids = {field: stores.facts.statements(ids, field) for field in (Field.TEMPO_BPM, Field.BEAT_GRID)}
        suggested = stores.facts.believed(ids, Field.SUGGESTED_CUES) if suggestions is not Suggestions.NONE else {}
        cues, attributes = stores.cues.of(ids), stores.collection.attributes(ids)
        found = stores.tracks.many(ids)
        tracks: dict[TrackId, CollectionTrack] = {}
        for track_id, track in ((track_id, found[track_id]) for track_id in ids if track_id in found):
            if track.path is None:
                continue
            values = {field: facts[track_id].value for field, facts in believed.items() if track_id in facts}
            values |= {field: own_grid(facts[track_id]) for field, facts in grids.items() if track_id in facts}
            own = tuple(cues.get(track_id, ()))
            if track_id in suggested:
                wanted = cast("Sequence[SuggestedCue]", suggested[track_id].value)
                own = with_suggestions(own, wanted, rules=self._cue_rules if suggestions is Suggestions.PADS else ())
            tracks[track_id] = CollectionTrack(
                id=track.collection_id or ForeignId(track.id),
                location=str(track.path),
                values={field: value for field, value in values.items() if value is not None},
                cues=own,
                attributes=attributes.get(track_id, {}),
            )
        return tracks


def own_grid(facts: Sequence[AnyFact]) -> object:
    """Choose tempo or grid to export: a person's correction, else the DJ's own of Rekordbox unchanged, else ours."""
    ranked = sorted(rank(facts), key=_own_grid_first)
    return ranked[0].value if ranked else None


def _own_grid_first(fact: AnyFact) -> int:
    return {SourceKind.PERSON: 0, SourceKind.REKORDBOX: 1}.get(fact.source.kind, 2)


def _playlist(playlist: Playlist, numbers: Mapping[TrackId, ForeignId]) -> CollectionPlaylist:
    return CollectionPlaylist(
        id=ForeignId(playlist.id),
        name=playlist.name,
        kind=PlaylistKind.FOLDER if playlist.kind is PlaylistKind.FOLDER else PlaylistKind.PLAYLIST,
        parent_id=ForeignId(playlist.parent_id) if playlist.parent_id else None,
        position=playlist.position,
        entries=tuple(numbers[entry] for entry in playlist.entries if entry in numbers),
    )


def _with_parents(playlists: Sequence[Playlist], wanted: str | None) -> list[Playlist]:
    """Return all playlists, or the one of that name (or full path) with what is in it and the folders above."""
    if wanted is None:
        return list(playlists)
    by_id = {playlist.id: playlist for playlist in playlists}
    found = [playlist for playlist in playlists if wanted in {playlist.name, full_name(playlist, by_id)}]
    if not found:
        raise NotFoundError(f"no playlist is called {wanted!r}: names are spelled as in Rekordbox")
    if len(found) > 1:
        names = ", ".join(full_name(playlist, by_id) for playlist in found[:5])
        raise ConflictError(f"{len(found)} playlists are called {wanted!r}: give one as {names}")
    chosen = {found[0].id}
    parent = found[0].parent_id
    while parent is not None and parent in by_id and parent not in chosen:
        chosen.add(parent)
        parent = by_id[parent].parent_id
    inside = {found[0].id}
    for playlist in playlists:  # parents come before their children
        if playlist.parent_id in inside:
            inside.add(playlist.id)
    return [playlist for playlist in playlists if playlist.id in chosen | inside]


def full_name(playlist: Playlist, by_id: Mapping[PlaylistId, Playlist]) -> str:
    """Return the name with its folders: ``Peak/2024/Techno``."""
    names, seen = [playlist.name], {playlist.id}
    parent = playlist.parent_id
    while parent is not None and parent in by_id and parent not in seen:
        seen.add(parent)
        names.append(by_id[parent].name)
        parent = by_id[parent].parent_id
    return "/".join(reversed(names))
