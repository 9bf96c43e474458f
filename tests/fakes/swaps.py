"""A music folder, a catalogue and a history with real files: what plans need to be tried."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cratehand.audio.file_swap import DiskSwapper
from cratehand.audio.tag_writing import MutagenTagWriter
from cratehand.catalogue.device import SqliteCatalogue, open_device
from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.collection import Playlist, PlaylistKind
from cratehand.domain.cue import Cue, CueKind
from cratehand.domain.embedding import DSP_SPACE
from cratehand.domain.events import Event
from cratehand.domain.fields import Field
from cratehand.domain.file_ports import FileSwapper
from cratehand.domain.ids import PlanId, PlaylistId, TrackId
from cratehand.domain.plan_record import CarryOver, PlanKind, PlanRecord, PlanState, SwapFile, TellRekordbox
from cratehand.domain.provenance import PERSON, Fact, Source, SourceKind
from cratehand.domain.structure import Section, SectionLabel
from cratehand.domain.track import Presence, Track
from cratehand.usecases.history import History
from cratehand.usecases.plan_files import PlanFiles
from cratehand.usecases.reading_facts import facts_of
from tests.audio_files import tag_audio, write_audio
from tests.fakes.clock import HandWoundClock, counting_ids
from tests.fakes.readings import reading, unit_vector
from tests.signals import noise

TRACK = TrackId("aaaa000000000001")
REKORDBOX = Source(kind=SourceKind.REKORDBOX, name="master.db")
OFFSET_S = 0.025
CUES = (
    Cue(kind=CueKind.HOT, start_s=0.25, pad=0, label="A"),
    Cue(kind=CueKind.HOT, start_s=0.5, end_s=0.75, pad=1, label="loop"),
    Cue(kind=CueKind.MEMORY, start_s=0.125),
)
GRID = BeatGrid(anchors=(GridAnchor(start_s=0.1, tempo_bpm=120.0),))


@dataclass(kw_only=True)
class Crate:
    """One track with cues, grid and playlist, a better file that landed, and a history."""

    root: Path
    current: Path
    landed: Path
    catalogue: SqliteCatalogue
    files: FileSwapper
    clock: HandWoundClock = field(default_factory=HandWoundClock)
    published: list[Event] = field(default_factory=list)
    settled: list[Path] = field(default_factory=list)

    @property
    def trash(self) -> Path:
        return self.root / "data" / "trash"

    def history(self) -> History:
        """Return a history as a fresh start of the daemon has it."""

        def settled(paths: Sequence[Path]) -> None:
            self.settled.extend(paths)

        return History(
            self.catalogue,
            files=PlanFiles(self.files, MutagenTagWriter(), trash=self.trash),
            clock=self.clock,
            new_id=counting_ids(),
            publish=self.published.append,
            settled=settled,
        )

    def upgrade(self, plan_id: str = "bbbb000000000001", *, landed: Path | None = None) -> PlanRecord:
        """Add an open plan that swaps in the landed file."""
        landed = landed or self.landed
        current = self.files.state(self.current)
        is_same_kind = landed.suffix.lower() == self.current.suffix.lower()
        target = self.current if is_same_kind else self.current.with_suffix(landed.suffix)
        plan = PlanRecord(
            id=PlanId(plan_id),
            kind=PlanKind.UPGRADE,
            state=PlanState.OPEN,
            who="somebody",
            why="a better copy",
            track_id=TRACK,
            created_at_s=self.clock.now_s(),
            steps=(
                SwapFile(current=current, target=target, landed=self.files.state(landed), merges_tags=True),
                CarryOver(track_id=TRACK, path=target, offset_s=OFFSET_S),
                TellRekordbox(track_id=TRACK, playlist="cratehand upgraded"),
            ),
        )
        with self.catalogue.writing() as stores:
            stores.plans.add(plan)
        return plan

    def tags_plan(self, path: Path, plan_id: str, **tags: str) -> PlanRecord:
        """Add an open plan that writes tags into the track's file."""
        plan = PlanRecord(
            id=PlanId(plan_id),
            kind=PlanKind.TAGS,
            state=PlanState.OPEN,
            who="somebody",
            why="tags",
            track_id=TRACK,
            created_at_s=self.clock.now_s(),
            steps=(
                SwapFile(current=self.files.state(path), target=path, tags=tags),
                CarryOver(track_id=TRACK, path=path, same_sound=True),
            ),
        )
        with self.catalogue.writing() as stores:
            stores.plans.add(plan)
        return plan

    def music(self) -> dict[str, tuple[bytes, int]]:
        """Return every file outside the data folder with its bytes and time of change."""
        return {
            str(path.relative_to(self.root)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and self.root / "data" not in path.parents
        }

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Return everything the catalogue knows of tracks and playlists, jobs and times of keeping apart."""
        with self.catalogue.reading() as stores:
            connection = stores._connection if hasattr(stores, "_connection") else stores.tracks._connection
            names = ("tracks", "facts", "believed", "cues", "playlists", "playlist_entries", "restatements")
            found = {
                name: sorted((tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {name}")), key=repr)
                for name in names
            }
            vectors = "SELECT space, track, hex(vector) FROM embeddings ORDER BY 1, 2"
            found["embeddings"] = [tuple(row) for row in connection.exec_driver_sql(vectors)]
        # A copy back has another inode and change time; the sound, size and mtime are the same.
        found["tracks"] = [_without_inode(row) for row in found["tracks"]]
        return found

    def plan(self, plan_id: str = "bbbb000000000001") -> PlanRecord:
        with self.catalogue.reading() as stores:
            plan = stores.plans.get(PlanId(plan_id))
        assert plan is not None
        return plan


def _without_inode(row: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(" ".join(v.split(" ")[:2]) if i == 5 and isinstance(v, str) else v for i, v in enumerate(row))


def make_crate(
    root: Path, *, current: str = "music/Artist - Title.mp3", landed: str = "inbox/better.flac", links: bool = True
) -> Crate:
    """Make the files and the catalogue."""
    sound = noise(duration_s=1.0, seed=1)
    paths = [root / current, root / landed]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_audio(path, sound if path == paths[0] else noise(duration_s=1.0, seed=2))
    tag_audio(paths[0], {Field.TITLE: "Title", Field.ARTIST: "Artist", Field.COMMENT: "mine"})
    tag_audio(paths[1], {Field.TITLE: "Title (Shop)", Field.ALBUM: "Album"})
    catalogue = open_device(root / "data" / "catalogue.db")
    crate = Crate(root=root, current=paths[0], landed=paths[1], catalogue=catalogue, files=DiskSwapper(links=links))
    _fill(crate)
    return crate


def reopened(
    root: Path, *, current: str = "music/Artist - Title.mp3", landed: str = "inbox/better.flac", links: bool = True
) -> Crate:
    """Open a crate that was made before, as the next start does."""
    catalogue = open_device(root / "data" / "catalogue.db")
    return Crate(
        root=root, current=root / current, landed=root / landed, catalogue=catalogue, files=DiskSwapper(links=links)
    )


def _fill(crate: Crate) -> None:
    state = crate.files.state(crate.current)
    now_s = crate.clock.now_s()
    read = reading(str(crate.current), stamp=state.stamp)
    with crate.catalogue.writing() as stores:
        stores.tracks.add(
            [
                Track(
                    id=TRACK, path=crate.current, presence=Presence.PRESENT, added_at_s=now_s, stamp=state.stamp,
                    digest=state.digest, analysed_at_s=now_s,
                )
            ]
        )  # fmt: skip
        sections = (Section(start_s=0.0, end_s=0.5, label=SectionLabel.INTRO),)
        facts = facts_of(read, at_s=now_s)
        facts.append(Fact(field=Field.BEAT_GRID, value=GRID, source=REKORDBOX, at_s=now_s))
        facts.append(Fact(field=Field.DURATION_S, value=1.0, source=REKORDBOX, at_s=now_s))
        facts.append(Fact(field=Field.RATING, value=4, source=PERSON, at_s=now_s))
        facts.append(Fact(field=Field.SECTIONS, value=sections, source=PERSON, at_s=now_s))
        stores.facts.record(TRACK, facts)
        stores.cues.replace(TRACK, CUES, origin="rekordbox")
        stores.vectors.put(DSP_SPACE, TRACK, unit_vector(1))
        stores.playlists.save(
            Playlist(id=PlaylistId("cccc000000000001"), name="Set", kind=PlaylistKind.PLAYLIST, entries=(TRACK, TRACK))
        )
