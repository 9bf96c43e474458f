import pytest

from cratehand.catalogue import SqliteCatalogue
from cratehand.domain.collection import Playlist, PlaylistKind
from cratehand.domain.cue import Colour, Cue, CueKind
from cratehand.domain.errors import InvalidInputError, NotFoundError
from cratehand.domain.folders import WatchedFolder
from cratehand.domain.ids import PlaylistId
from cratehand.domain.search import TrackFilter
from tests.unit.catalogue.building import Path, a_cue, a_track, track_id


@pytest.fixture
def known(catalogue: SqliteCatalogue) -> SqliteCatalogue:
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(number) for number in range(1, 4)])
    return catalogue


def a_list(
    name: str, *numbers: int, parent: str | None = None, kind: PlaylistKind = PlaylistKind.PLAYLIST, at: int = 0
) -> Playlist:
    return Playlist(
        id=PlaylistId(name.lower()),
        name=name,
        kind=kind,
        parent_id=None if parent is None else PlaylistId(parent),
        position=at,
        entries=tuple(track_id(number) for number in numbers),
    )


def test_cues_come_back_pads_first_and_all_of_each(known: SqliteCatalogue) -> None:
    loop = Cue(
        kind=CueKind.HOT, start_s=8.0, end_s=12.0, pad=1, label="Lööp", colour=Colour(red=1, green=20, blue=255),
        active_loop=True, foreign_id="c1",
    )  # fmt: skip
    with known.writing() as stores:
        stores.cues.replace(track_id(1), [a_cue(30.0), a_cue(5.0), loop, a_cue(60.0, pad=0)], origin="rekordbox")
        stores.cues.replace(track_id(1), [a_cue(1.0, label="mine")], origin="cratehand")
        assert stores.cues.cues(track_id(1)) == [
            a_cue(60.0, pad=0), loop, a_cue(1.0, label="mine"), a_cue(5.0), a_cue(30.0),
        ]  # fmt: skip
        stores.cues.replace(track_id(1), [], origin="rekordbox")
        assert [cue.label for cue in stores.cues.cues(track_id(1))] == ["mine"]
        with pytest.raises(NotFoundError):
            stores.cues.replace(track_id(9), [], origin="rekordbox")


def test_a_cue_at_no_time_is_left_out(known: SqliteCatalogue) -> None:
    with known.writing() as stores:
        stores.cues.replace(track_id(1), [a_cue(float("nan")), a_cue(1.0)], origin="rekordbox")
        assert [cue.start_s for cue in stores.cues.cues(track_id(1))] == [1.0]


def test_playlists_come_parents_first_in_their_order(known: SqliteCatalogue) -> None:
    folder = a_list("F", kind=PlaylistKind.FOLDER, at=1)
    inner = a_list("B", 2, 1, 2, parent="f")
    top = a_list("A", 3)
    orphan = a_list("O", parent="nowhere", at=5)
    with known.writing() as stores:
        for playlist in (inner, orphan, top, folder):
            stores.playlists.save(playlist)
        assert [playlist.name for playlist in stores.playlists.all()] == ["A", "F", "B", "O"]
        assert stores.playlists.all()[2] == inner
        for ids in ({"b"}, {"f", "b", "nobody"}, set()):
            wanted = [playlist for playlist in stores.playlists.all() if playlist.id in ids]
            assert list(stores.playlists.some({PlaylistId(each) for each in ids})) == wanted
        assert [playlist.name for playlist in stores.playlists.within(PlaylistId("f"))] == ["F", "B"]
        assert list(stores.playlists.within(PlaylistId("b"))) == [inner]
        assert list(stores.playlists.within(PlaylistId("nobody"))) == []
        assert stores.playlists.all()[3].parent_id is None
        assert stores.playlists.names_of(track_id(2)) == ["F/B"]
        stores.playlists.save(a_list("O"))


def test_a_playlist_is_replaced_by_its_id_and_removed_with_what_is_in_it(known: SqliteCatalogue) -> None:
    with known.writing() as stores:
        stores.playlists.save(a_list("F", kind=PlaylistKind.FOLDER))
        stores.playlists.save(a_list("A", 1, 2, parent="f"))
        stores.playlists.save(a_list("A", 3, 99, parent="f"))
        assert [playlist.entries for playlist in stores.playlists.all()] == [(), (track_id(3),)]
        with pytest.raises(InvalidInputError):
            stores.playlists.save(a_list("F", parent="f", kind=PlaylistKind.FOLDER))
        stores.playlists.remove(PlaylistId("f"))
        assert stores.playlists.all() == []
        stores.playlists.remove(PlaylistId("f"))


def test_a_playlist_is_asked_for_by_name_by_path_or_by_folder(known: SqliteCatalogue) -> None:
    with known.writing() as stores:
        stores.playlists.save(a_list("F", kind=PlaylistKind.FOLDER))
        stores.playlists.save(a_list("A", 1, 1, parent="f"))
        stores.playlists.save(a_list("B", 2, parent="f"))
        for name, numbers in {"A": [1], "F/A": [1], "F": [1, 2], "nothing": []}.items():
            found = stores.tracks.matching_ids(TrackFilter(playlist=name))
            assert found == [track_id(number) for number in numbers]


def test_folders_and_state_are_kept(known: SqliteCatalogue) -> None:
    odd = WatchedFolder(path=Path("/müsic \udcff"), added_at_s=2.0, polling=True)
    plain = WatchedFolder(path=Path("/a"), added_at_s=1.0)
    with known.writing() as stores:
        stores.folders.add(odd)
        stores.folders.add(plain)
        stores.folders.add(plain)
        assert stores.folders.all() == [plain, odd]
        assert stores.folders.remove(Path("/a"))
        assert not stores.folders.remove(Path("/a"))
        stores.state.set("quiet", "yes")
        stores.state.set("quiet", "no")
        assert stores.state.get("quiet") == "no"
        stores.state.set("quiet", None)
        assert stores.state.get("quiet") is None
