"""What is seen on the disk reaches the catalogue, and history is never lost."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from cratehand.catalogue.device import SqliteCatalogue
from cratehand.domain.errors import CorruptFileError
from cratehand.domain.events import Event, TrackAdded
from cratehand.domain.folders import FolderChange, KnownFile, SeenFile
from cratehand.domain.ids import ContentDigest, TrackId
from cratehand.domain.job import JobState, Priority
from cratehand.domain.track import FileStamp, Presence, Track
from cratehand.usecases.folder_sync import FolderSync
from tests.fakes.clock import HandWoundClock, counting_ids

MUSIC = Path("/music")


def seen(name: str, *, size: int = 100, inode: int = 1) -> SeenFile:
    return SeenFile(path=MUSIC / name, stamp=FileStamp(size_bytes=size, mtime_ns=1, ctime_ns=1, inode=inode))


class ScriptedScanner:
    """Implements the port `FolderScanner` with answers laid down before."""

    def __init__(self) -> None:
        self.answers: list[FolderChange] = []
        self.asked_known: list[Sequence[KnownFile]] = []

    def sweep(self, folders: Sequence[Path], known: Sequence[KnownFile]) -> FolderChange:
        self.asked_known.append(known)
        return self.answers.pop(0) if self.answers else FolderChange()

    def look_at(self, paths: Iterable[Path], folders: Sequence[Path], known: Sequence[KnownFile]) -> FolderChange:
        return self.sweep(folders, known)


class NamedDigests:
    """Implements the port `ContentDigester`: digests by file name; what has none can't be read."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def digest(self, path: Path) -> ContentDigest:
        if path.name not in self._names:
            raise CorruptFileError(f"{path}: not audio")
        return ContentDigest(self._names[path.name])


@pytest.fixture
def scanner() -> ScriptedScanner:
    return ScriptedScanner()


@pytest.fixture
def digests() -> dict[str, str]:
    return {}


@pytest.fixture
def sync(
    catalogue: SqliteCatalogue,
    scanner: ScriptedScanner,
    digests: dict[str, str],
    clock: HandWoundClock,
    published: list[Event],
) -> FolderSync:
    return FolderSync(
        catalogue,
        scanner=scanner,
        digester=NamedDigests(digests),
        folders=lambda: [MUSIC],
        clock=clock,
        new_id=counting_ids(),
        publish=published.append,
    )


def only_track(catalogue: SqliteCatalogue) -> Track:
    with catalogue.reading() as stores:
        (known,) = stores.tracks.known_files()
        track = stores.tracks.get(known.track_id)
    assert track is not None
    return track


def was_read(catalogue: SqliteCatalogue, track: Track, digest: str) -> None:
    stamp = FileStamp(size_bytes=100, mtime_ns=1, ctime_ns=1, inode=1)
    with catalogue.writing() as stores:
        stores.tracks.set_reading(track.id, stamp=stamp, digest=ContentDigest(digest), analysed_at_s=1.0, error=None)
        for job in stores.jobs.list(states=[JobState.QUEUED]):
            stores.jobs.finish(job.id, state=JobState.DONE, at_s=2.0)


def test_a_landed_file_becomes_a_track_with_one_job(
    sync: FolderSync, scanner: ScriptedScanner, catalogue: SqliteCatalogue, published: list[Event]
) -> None:
    scanner.answers = [FolderChange(landed=[seen("a.flac")]), FolderChange(landed=[seen("a.flac")])]
    assert sync.look_at([MUSIC / "a.flac"]).added == 1
    assert sync.look_at([MUSIC / "a.flac"]).added == 0, "the same file does not land twice"
    with catalogue.reading() as stores:
        jobs = stores.jobs.list()
    assert [(job.state, job.priority) for job in jobs] == [(JobState.QUEUED, Priority.FRESH)]
    assert isinstance(published[0], TrackAdded)


def test_a_missing_file_that_lands_elsewhere_is_the_same_track(
    sync: FolderSync, scanner: ScriptedScanner, catalogue: SqliteCatalogue, digests: dict[str, str]
) -> None:
    scanner.answers = [FolderChange(landed=[seen("a.flac")])]
    sync.sweep()
    track = only_track(catalogue)
    was_read(catalogue, track, "sound:1")
    scanner.answers = [FolderChange(gone=[MUSIC / "a.flac"])]
    assert sync.sweep().gone == 1
    assert only_track(catalogue).presence is Presence.MISSING
    digests["renamed.flac"] = "sound:1"
    scanner.answers = [FolderChange(landed=[seen("renamed.flac", inode=9), seen("other.flac", inode=10)])]
    report = sync.sweep()
    assert (report.moved, report.added) == (1, 1)
    with catalogue.reading() as stores:
        moved = stores.tracks.get(track.id)
    assert moved is not None
    assert (moved.path, moved.presence) == (MUSIC / "renamed.flac", Presence.PRESENT)


def test_a_move_seen_as_such_keeps_the_track(
    sync: FolderSync, scanner: ScriptedScanner, catalogue: SqliteCatalogue
) -> None:
    scanner.answers = [FolderChange(landed=[seen("a.flac")])]
    sync.sweep()
    before = only_track(catalogue)
    scanner.answers = [FolderChange(moved=[(MUSIC / "a.flac", seen("sub/b.flac"))])]
    assert sync.sweep().moved == 1
    after = only_track(catalogue)
    assert (after.id, after.path) == (before.id, MUSIC / "sub/b.flac")


def test_a_file_that_nobody_read_yet_has_its_stamp_so_that_a_move_is_recognised(
    sync: FolderSync, scanner: ScriptedScanner, catalogue: SqliteCatalogue
) -> None:
    scanner.answers = [FolderChange(landed=[seen("a.flac")]), FolderChange(altered=[seen("a.flac", size=200)])]
    sync.sweep()
    assert only_track(catalogue).stamp == seen("a.flac").stamp
    sync.sweep()
    assert only_track(catalogue).stamp == seen("a.flac", size=200).stamp
    with catalogue.reading() as stores:
        (job,) = stores.jobs.list()
        assert job.state is JobState.QUEUED
    with catalogue.writing() as stores:
        stores.jobs.finish(job.id, state=JobState.CANCELLED, at_s=3.0)
    assert sync.sweep().queued == 1, "it still counts as unread"


def test_tracks_whose_files_swapped_names_keep_their_ids(
    sync: FolderSync, scanner: ScriptedScanner, catalogue: SqliteCatalogue
) -> None:
    scanner.answers = [FolderChange(landed=[seen("a.flac"), seen("b.flac", inode=2)])]
    sync.sweep()
    before = ids_by_name(catalogue)
    swapped = [(MUSIC / "a.flac", seen("b.flac")), (MUSIC / "b.flac", seen("a.flac", inode=2))]
    scanner.answers = [FolderChange(moved=swapped)]
    assert sync.sweep().moved == 2
    assert ids_by_name(catalogue) == {"a.flac": before["b.flac"], "b.flac": before["a.flac"]}


def test_a_track_whose_file_was_overwritten_by_a_known_one_is_missing(
    sync: FolderSync, scanner: ScriptedScanner, catalogue: SqliteCatalogue
) -> None:
    scanner.answers = [FolderChange(landed=[seen("a.flac"), seen("b.flac", inode=2)])]
    sync.sweep()
    before = ids_by_name(catalogue)
    scanner.answers = [FolderChange(moved=[(MUSIC / "b.flac", seen("a.flac", inode=2))])]
    assert sync.sweep().moved == 1
    assert ids_by_name(catalogue) == {"a.flac": before["b.flac"]}
    with catalogue.reading() as stores:
        lost = stores.tracks.get(before["a.flac"])
    assert lost is not None
    assert lost.presence is Presence.MISSING


def ids_by_name(catalogue: SqliteCatalogue) -> dict[str, TrackId]:
    with catalogue.reading() as stores:
        return {known.path.name: known.track_id for known in stores.tracks.known_files()}


def test_an_unplugged_drive_loses_nothing_and_comes_back(
    sync: FolderSync, scanner: ScriptedScanner, catalogue: SqliteCatalogue
) -> None:
    scanner.answers = [FolderChange(landed=[seen("a.flac")])]
    sync.sweep()
    was_read(catalogue, only_track(catalogue), "sound:1")
    scanner.answers = [FolderChange(offline=[MUSIC]), FolderChange(offline=[MUSIC])]
    assert sync.sweep().offline == 1
    assert sync.sweep().offline == 0, "it is told once"
    assert only_track(catalogue).presence is Presence.OFFLINE
    scanner.answers = [FolderChange(returned=[MUSIC / "a.flac"])]
    report = sync.sweep()
    assert (report.returned, report.queued) == (1, 0), "the file is the same, nothing is analysed again"


def test_an_altered_file_is_read_again(sync: FolderSync, scanner: ScriptedScanner, catalogue: SqliteCatalogue) -> None:
    scanner.answers = [FolderChange(landed=[seen("a.flac")])]
    sync.sweep()
    was_read(catalogue, only_track(catalogue), "sound:1")
    scanner.answers = [FolderChange(altered=[seen("a.flac", size=200)])]
    report = sync.sweep()
    assert (report.altered, report.queued) == (1, 1)


def test_a_look_at_one_path_asks_for_nothing_that_has_nothing_to_do_with_it(
    sync: FolderSync, scanner: ScriptedScanner, catalogue: SqliteCatalogue
) -> None:
    scanner.answers = [FolderChange(landed=[seen(f"{name}.flac", inode=at) for at, name in enumerate("abc")])]
    sync.sweep()
    sync.look_at([MUSIC / "b.flac"])
    assert [file.path.name for file in scanner.asked_known[-1]] == ["b.flac"]
    sync.look_at([MUSIC])
    assert len(scanner.asked_known[-1]) == 3, "a folder stands for all below it"
    sync.look_at([MUSIC / f"{number}.flac" for number in range(200)])
    assert len(scanner.asked_known[-1]) == 3, "many paths are compared with all that is known"


def test_a_file_moved_to_where_one_looks_is_found_under_its_old_path(
    sync: FolderSync, scanner: ScriptedScanner, catalogue: SqliteCatalogue
) -> None:
    scanner.answers = [FolderChange(landed=[seen("a.flac"), seen("z.flac", size=7)])]
    sync.sweep()
    with catalogue.writing() as stores:
        for name, size in (("a.flac", 100), ("z.flac", 7)):
            track = stores.tracks.by_path(MUSIC / name)
            assert track is not None
            stamp = FileStamp(size_bytes=size, mtime_ns=1, ctime_ns=1, inode=1)
            stores.tracks.place(track.id, path=MUSIC / name, stamp=stamp, presence=Presence.PRESENT)
    there = seen("b.flac")
    scanner.answers = [FolderChange(landed=[there]), FolderChange(moved=[(MUSIC / "a.flac", there)])]
    assert sync.look_at([MUSIC / "b.flac"]).moved == 1
    assert [[file.path.name for file in known] for known in scanner.asked_known[-2:]] == [[], ["a.flac"]]


def test_thousands_of_vanished_files_are_missing_in_one_go(
    sync: FolderSync, scanner: ScriptedScanner, catalogue: SqliteCatalogue
) -> None:
    many = [seen(f"{number}.flac", inode=number) for number in range(500)]
    scanner.answers = [FolderChange(landed=many), FolderChange(gone=[file.path for file in many])]
    sync.sweep()
    assert sync.sweep().gone == 500
    with catalogue.reading() as stores:
        assert stores.tracks.counts()["missing"] == 500
