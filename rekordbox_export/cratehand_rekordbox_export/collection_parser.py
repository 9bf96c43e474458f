"""From XML elements, one after another, to the tracks and playlists of a collection."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from cratehand.domain.collection import CollectionChange, CollectionPlaylist, CollectionTrack, PlaylistKind
from cratehand.domain.cue import Cue
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId
from cratehand_rekordbox_export import location
from cratehand_rekordbox_export.collection import kept_attributes, parse_values
from cratehand_rekordbox_export.marks import MARK_ATTRIBUTES, TEMPO_ATTRIBUTES, parse_grid, parse_mark
from cratehand_rekordbox_export.numbers import parse_count
from cratehand_rekordbox_export.playlists import PlaylistIds

_FOLDER_TYPE: Final = "0"
_KEY_IS_LOCATION: Final = "1"


@dataclass(slots=True, kw_only=True)
class ReadReport:
    """What was noticed in a file; a mended or ignored thing never stops the reading."""

    product_name: str = ""
    product_version: str = ""
    company: str = ""
    missing_tracks: int = 0
    """How many fewer tracks there are than the file announces."""
    double_track_ids: int = 0
    """Tracks whose TrackID an earlier track has; the playlists mean the earlier one."""
    unknown_entries: int = 0
    """Playlist entries that name no track of the file; left out."""
    mended_tempos: int = 0
    """TEMPO elements without a tempo, out of order, or outside the bar."""
    mended_cues: int = 0
    """POSITION_MARK elements of a kind, place or number that Rekordbox does not have."""
    unread: Counter[str] = field(default_factory=Counter)
    """Elements and attributes that are not kept, by name: ``TRACK/X``, ``POSITION_MARK@y``."""
    removed_characters: int = 0
    """Characters that XML forbids."""

    def notes(self) -> tuple[str, ...]:
        """Say in a line each what was mended or left out; empty for a sound file."""
        unread = ", ".join(f"{name} ({count})" for name, count in sorted(self.unread.items()))
        lines = (
            (self.missing_tracks, "tracks fewer than announced"),
            (self.double_track_ids, "tracks have the TrackID of another; playlists with it mean the first"),
            (self.unknown_entries, "playlist entries name no track of the file and were left out"),
            (self.mended_tempos, "beat grid marks were mended or left out"),
            (self.mended_cues, "cues were mended or left out"),
            (self.removed_characters, "forbidden characters were left out"),
            (sum(self.unread.values()), f"things were not understood and not kept: {unread}"),
        )
        return tuple(f"{count} {text}" for count, text in lines if count)


@dataclass(slots=True, kw_only=True)
class _OpenTrack:
    attributes: dict[str, str]
    tempos: list[dict[str, str]] = field(default_factory=list)
    cues: list[Cue] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _OpenNode:
    id: ForeignId | None
    """None above all playlists: for ROOT, which is none itself."""
    children: int = 0
    keys: list[str] = field(default_factory=list)
    key_is_location: bool = False


class CollectionParser(ContentHandler):
    """Takes the events of a SAX parser.

    Attributes:
        root: Name of the outermost element; None until it came.
    """

    def __init__(self, report: ReadReport) -> None:
        super().__init__()
        self.root: str | None = None
        self._report = report
        self._path: list[str] = []
        self._track: _OpenTrack | None = None
        self._top = _OpenNode(id=None)
        self._nodes: list[_OpenNode] = []
        self._announced: int | None = None
        self._seen_tracks = 0
        self._tracks: list[CollectionTrack] = []
        self._same: set[tuple[str, str]] = set()
        self._by_number: dict[str, ForeignId] = {}
        self._by_location: dict[str, ForeignId] = {}
        self._has_playlists = False
        self._playlists: list[CollectionPlaylist] = []
        self._entries: list[_OpenNode] = []
        self._playlist_ids = PlaylistIds()

    def result(self) -> CollectionChange:
        """Return the collection after the last event."""
        if self._announced is not None:
            self._report.missing_tracks = max(self._announced - self._seen_tracks, 0)
        playlists = [
            playlist if playlist.kind is PlaylistKind.FOLDER else replace(playlist, entries=self._resolved(node))
            for playlist, node in zip(self._playlists, self._entries, strict=True)
        ]
        return CollectionChange(full=True, tracks=self._tracks, playlists=playlists if self._has_playlists else None)

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - the name SAX calls
        """Take the beginning of an element."""
        parent = self._path[-1] if self._path else ""
        self._path.append(name)
        attributes = dict(attrs.items())
        match parent, name:
            case "", _:
                self.root = name
            case "TRACK", "TEMPO" if self._track:
                self._track.tempos.append(attributes)
                self._note_unknown(name, attributes, TEMPO_ATTRIBUTES)
            case "TRACK", "POSITION_MARK" if self._track:
                self._take_mark(attributes)
            case "COLLECTION", "TRACK":
                self._track = _OpenTrack(attributes=attributes)
            case "NODE", "TRACK" if self._nodes:
                self._nodes[-1].keys.append(attributes.get("Key", ""))
            case (("PLAYLISTS" | "NODE"), "NODE"):
                self._open_node(attributes)
            case _:
                self._take_frame(parent, name, attributes)

    def endElement(self, name: str) -> None:  # noqa: N802 - the name SAX calls
        """Take the end of an element."""
        self._path.pop()
        if name == "NODE" and self._nodes:
            self._nodes.pop()
        elif name == "TRACK" and self._track and self._path[-1] == "COLLECTION":
            self._close_track(self._track)
            self._track = None

    def _take_frame(self, parent: str, name: str, attributes: Mapping[str, str]) -> None:
        match parent, name:
            case "DJ_PLAYLISTS", "PRODUCT":
                self._report.product_name = attributes.get("Name", "")
                self._report.product_version = attributes.get("Version", "")
                self._report.company = attributes.get("Company", "")
            case "DJ_PLAYLISTS", "COLLECTION":
                self._announced = parse_count(attributes.get("Entries"))
            case "DJ_PLAYLISTS", "PLAYLISTS":
                self._has_playlists = True
            case _:
                self._report.unread[f"{parent}/{name}"] += 1

    def _take_mark(self, attributes: dict[str, str]) -> None:
        cue, sound = parse_mark(attributes)
        self._report.mended_cues += not sound
        self._note_unknown("POSITION_MARK", attributes, MARK_ATTRIBUTES)
        if cue and self._track:
            self._track.cues.append(cue)

    def _note_unknown(self, name: str, attributes: Mapping[str, str], known: frozenset[str]) -> None:
        if not attributes.keys() <= known:
            self._report.unread.update(f"{name}@{attribute}" for attribute in attributes.keys() - known)

    def _close_track(self, open_track: _OpenTrack) -> None:
        raw = open_track.attributes
        place = raw.get("Location", "")
        path = location.decode_absolute(place)
        number = raw.get("TrackID", "").strip()
        self._seen_tracks += 1
        if number in self._by_number:
            self._report.double_track_ids += 1
            if (number, path) in self._same:
                return
        values: dict[Field, object] = parse_values(raw)
        grid, mended = parse_grid(open_track.tempos)
        self._report.mended_tempos += mended
        if grid is not None:
            values[Field.BEAT_GRID] = grid
        track = CollectionTrack(
            id=self._track_id(number, path), location=path, values=values, cues=tuple(open_track.cues)
        )
        if kept := kept_attributes(raw, track):
            track = replace(track, attributes=kept)
        self._tracks.append(track)
        self._same.add((number, path))
        if number:
            self._by_number.setdefault(number, track.id)
        if place:
            self._by_location.setdefault(location.decode(place), track.id)

    def _track_id(self, number: str, path: str) -> ForeignId:
        if number and number not in self._by_number:
            return ForeignId(number)
        if path:
            return ForeignId(f"{number or 'location'}:{path}")
        return ForeignId(f"{number or 'location'}:track {self._seen_tracks}")

    def _open_node(self, attributes: Mapping[str, str]) -> None:
        parent = self._nodes[-1] if self._nodes else self._top
        name = attributes.get("Name", "")
        is_folder = attributes.get("Type", "") == _FOLDER_TYPE
        if not self._nodes and is_folder and name in {"", "ROOT"}:
            self._nodes.append(self._top)
            return
        playlist_id = self._playlist_ids.give(name, parent_id=parent.id)
        node = _OpenNode(id=playlist_id, key_is_location=attributes.get("KeyType") == _KEY_IS_LOCATION)
        self._playlists.append(
            CollectionPlaylist(
                id=playlist_id,
                name=name,
                kind=PlaylistKind.FOLDER if is_folder else PlaylistKind.PLAYLIST,
                parent_id=parent.id,
                position=parent.children,
            )
        )
        self._entries.append(node)
        parent.children += 1
        self._nodes.append(node)

    def _resolved(self, node: _OpenNode) -> tuple[ForeignId, ...]:
        if node.key_is_location:
            found = [self._by_location.get(location.decode(key)) for key in node.keys]
        else:
            found = [self._by_number.get(key.strip()) for key in node.keys]
        known = tuple(track_id for track_id in found if track_id is not None)
        self._report.unknown_entries += len(found) - len(known)
        return known
