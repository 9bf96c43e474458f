"""A whole collection as Rekordbox XML (DJ_PLAYLISTS 1.0.0)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cratehand.domain.beatgrid import BeatGrid
from cratehand.domain.collection import CollectionChange, CollectionTrack
from cratehand.domain.cue import Cue
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId
from cratehand_rekordbox_export.atomic_file import write_file_atomically
from cratehand_rekordbox_export.collection import track_attributes
from cratehand_rekordbox_export.elements import ElementWriter
from cratehand_rekordbox_export.marks import in_file_order, is_hot, mark_attributes, tempo_elements
from cratehand_rekordbox_export.playlists import PlaylistCounts, write_playlists
from cratehand_rekordbox_export.track_numbers import assign_numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """The program that a file says it comes from."""

    name: str = ""
    version: str = ""
    company: str = ""


@dataclass(slots=True, kw_only=True)
class WriteReport:
    """What a file holds, and what the format could not take."""

    tracks: int = 0
    cues: int = 0
    playlists: int = 0
    entries: int = 0
    unknown_entries: int = 0
    """Playlist entries left out because they name no track of the file."""
    moved_to_root: int = 0
    """Playlists whose folder was not there."""
    rules: int = 0
    """Smart lists written as plain ones."""
    unusable_cues: int = 0
    """Cues without a finite time."""
    cue_colours: int = 0
    """Colours of cues that are not on a pad."""
    active_loops: int = 0
    """Loops whose active flag the format does not know."""
    tagged_tracks: int = 0
    """Tracks whose MyTags the format does not know."""
    removed_characters: int = 0
    """Characters that XML can not hold."""

    def notes(self) -> tuple[str, ...]:
        """Say in a line each what could not be written; empty when nothing was lost."""
        lines = (
            (self.unknown_entries, "playlist entries were left out: their tracks are not in this export"),
            (self.moved_to_root, "playlists stand at the top: their folder is not in this export"),
            (self.rules, "smart lists were written with the tracks they held, without their rule"),
            (self.unusable_cues, "cues were left out: they have no usable time"),
            (self.cue_colours, "memory cues lost their colour: the format keeps it for hot cues only"),
            (self.active_loops, "active loops were written as loops: the format has no flag for it"),
            (self.tagged_tracks, "tracks have MyTags, which the format does not hold"),
            (self.removed_characters, "characters were left out: XML can not hold them"),
        )
        return tuple(f"{count} {text}" for count, text in lines if count)


def write_collection(
    target: BinaryIO,
    change: CollectionChange,
    *,
    product_version: str = "",
    product: Product | None = None,
    newline: str = "\n",
) -> WriteReport:
    r"""Write all tracks and playlists of a change as Rekordbox XML, one after another, in bounded memory.

    Args:
        target: Open for writing bytes.
        change: Tracks and playlists; ids of deleted tracks are not looked at. Of several tracks with one id the first
            is meant by the playlists.
        product_version: Version of cratehand, for the PRODUCT element.
        product: Another program to name in the PRODUCT element.
        newline: ``\n`` or ``\r\n``; both occur in exports of Rekordbox.

    Returns:
        What was written, and what the format could not take.
    """
    product = product or Product(name="cratehand", version=product_version)
    xml = ElementWriter(target, newline=newline)
    report = WriteReport(tracks=len(change.tracks))
    numbers = assign_numbers(track_ids(change.tracks))
    xml.declaration()
    xml.start("DJ_PLAYLISTS", [("Version", "1.0.0")])
    xml.empty("PRODUCT", [("Name", product.name), ("Version", product.version), ("Company", product.company)])
    entries = [("Entries", str(len(change.tracks)))]
    if change.tracks:
        xml.start("COLLECTION", entries)
        for track, own_id in zip(change.tracks, track_ids(change.tracks), strict=True):
            _write_track(xml, track, number=numbers[own_id], report=report)
        xml.end()
    else:
        xml.empty("COLLECTION", entries)
    counts = write_playlists(xml, change.playlists or (), numbers)
    xml.end()
    xml.flush()
    _add_counts(report, counts, removed_characters=xml.removed_characters)
    return report


def write_collection_file(path: Path, change: CollectionChange, *, product_version: str = "") -> WriteReport:
    """Write a collection to a file that is replaced only when the new one is complete.

    Raises:
        NotFoundError, InvalidInputError, UnavailableError: As `write_file_atomically`.
    """
    return write_file_atomically(path, lambda target: write_collection(target, change, product_version=product_version))


class RekordboxXmlWriter:
    """The port `CollectionWriter` for Rekordbox XML."""

    def __init__(self, *, product_version: str = "") -> None:
        self._product_version = product_version

    def write(self, target: BinaryIO, change: CollectionChange) -> None:
        """Write all tracks and playlists of a full change; see `write_collection`."""
        if not change.full:
            raise InvalidInputError("only a full collection can be written as XML, not the latest changes")
        write_collection(target, change, product_version=self._product_version)


def track_ids(tracks: Sequence[CollectionTrack]) -> list[ForeignId]:
    """Return one distinct id per track: its own, or one made from it where an earlier track has the same."""
    seen: dict[ForeignId, int] = {}
    distinct: list[ForeignId] = []
    for track in tracks:
        count = seen[track.id] = seen.get(track.id, 0) + 1
        distinct.append(track.id if count == 1 else ForeignId(f"{track.id}\n{count}"))
    return distinct


def _write_track(xml: ElementWriter, track: CollectionTrack, *, number: int, report: WriteReport) -> None:
    grid = track.values.get(Field.BEAT_GRID)
    cues = [cue for cue in track.cues if math.isfinite(cue.start_s)]
    report.cues += len(cues)
    report.unusable_cues += len(track.cues) - len(cues)
    report.tagged_tracks += bool(track.values.get(Field.TAGS))
    attributes = track_attributes(track, track_id=number)
    if not cues and not isinstance(grid, BeatGrid):
        xml.empty("TRACK", attributes)
        return
    xml.start("TRACK", attributes)
    if isinstance(grid, BeatGrid):
        for tempo in tempo_elements(grid):
            xml.empty("TEMPO", tempo)
    for cue in in_file_order(cues):
        xml.empty("POSITION_MARK", mark_attributes(cue))
        _count_losses(cue, report)
    xml.end()


def _count_losses(cue: Cue, report: WriteReport) -> None:
    report.cue_colours += cue.colour is not None and not is_hot(cue)
    report.active_loops += cue.active_loop and cue.is_loop


def _add_counts(report: WriteReport, counts: PlaylistCounts, *, removed_characters: int) -> None:
    report.playlists = counts.playlists
    report.entries = counts.entries
    report.unknown_entries = counts.unknown_entries
    report.moved_to_root = counts.moved_to_root
    report.rules = counts.rules
    report.removed_characters = removed_characters
