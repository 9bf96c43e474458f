import json
from collections.abc import Callable

import numpy as np
import pytest

from cratehand.catalogue.master.address import MasterAddress
from cratehand.domain.collection import Playlist, PlaylistKind
from cratehand.domain.embedding import EmbeddingSpace
from cratehand.domain.fields import Field
from cratehand.domain.ids import PlaylistId, TrackId
from cratehand.domain.search import TrackFilter, TrackQuery
from tests.unit.catalogue.building import REKORDBOX, a_cue, a_fact, a_row, everything, ids, track_id
from tests.unit.catalogue.master.devices import Device, ask_master, master_snapshot, settle

pytestmark = pytest.mark.postgres

Make = Callable[[str], Device]
SPACE = EmbeddingSpace(model="t", version="1", dimension=3)
PEAK = PlaylistId("1" * 16)


def filled(device: Device) -> Device:
    """Give a device something of everything."""
    for number in range(1, 6):
        device.add(number, digest=f"d:{number}")
    with device.catalogue.writing() as stores:
        stores.facts.record(track_id(1), [a_fact(Field.TITLE, "One\udcff\0"), a_fact(Field.YEAR, 1999)])
        stores.facts.record(track_id(2), [a_fact(Field.TITLE, "Zwölf", source=REKORDBOX, at_s=3.0)])
        stores.cues.replace(track_id(1), [a_cue(1.5, pad=0, label="drop"), a_cue(9.0)], origin="rekordbox")
        stores.collection.set_attributes(track_id(3), {"Mix": "ü"})
        stores.vectors.put(SPACE, track_id(1), np.array([1, 2, 3], dtype=np.float32))
        stores.vectors.put(SPACE, track_id(2), np.array([3, 2, 1], dtype=np.float32))
        save(device, "Peak", track_id(1), track_id(2), track_id(1), stores=stores)
    return device


def save(device: Device, name: str, *tracks: TrackId, stores: object = None, position: int = 0) -> None:
    playlist = Playlist(id=PEAK, name=name, kind=PlaylistKind.PLAYLIST, entries=tracks, position=position)
    if stores is not None:
        stores.playlists.save(playlist)  # type: ignore[attr-defined]
        return
    with device.catalogue.writing() as fresh:
        fresh.playlists.save(playlist)


def playlist(device: Device) -> Playlist:
    with device.catalogue.reading() as stores:
        return stores.playlists.all()[0]


def test_a_new_device_is_rebuilt_from_the_master_and_answers_alike(device: Make) -> None:
    old, new = filled(device("old")), device("new")
    settle(old, new)
    assert new.snapshot() == old.snapshot()
    query = TrackQuery(filter=TrackFilter(), limit=100)
    with old.catalogue.reading() as one, new.catalogue.reading() as other:
        assert [row.title for row in other.tracks.query(query).items] == [
            row.title for row in one.tracks.query(query).items
        ]
        wanted = np.array([1, 2, 2], dtype=np.float32)
        assert other.vectors.nearest(SPACE, wanted, limit=5) == one.vectors.nearest(SPACE, wanted, limit=5)
        assert other.cues.cues(track_id(1)) == one.cues.cues(track_id(1))


def test_the_master_is_rebuilt_from_a_device(device: Make, address: MasterAddress) -> None:
    old = filled(device("old"))
    settle(old)
    assert master_snapshot(address) == old.snapshot()


def test_a_track_without_a_file_here_is_elsewhere_and_no_path_travels(device: Make, address: MasterAddress) -> None:
    settle(filled(device("here")), device("there"))
    with device("there").catalogue.reading() as stores:
        summary = stores.tracks.summary(track_id(1))
    assert summary is not None
    assert (summary.path, summary.on_this_device) == (None, False)
    assert ask_master(address, "SELECT count(*) FROM tracks WHERE path IS NOT NULL OR location IS NOT NULL") == [(0,)]
    assert ask_master(address, "SELECT count(*) FROM believed WHERE search LIKE '%mp3%'") == [(0,)]


def test_the_same_sound_at_another_path_is_the_same_track(device: Make) -> None:
    first, second = device("first"), device("second")
    first.add(10, digest="d:same")
    first.correct(track_id(10), "said on the first")
    settle(first)
    second.add(20, digest="d:same")
    settle(second, first)
    assert second.title(track_id(10)) == "said on the first"
    with second.catalogue.reading() as stores:
        assert str(stores.tracks.many([track_id(10)])[track_id(10)].path) == "/second/20.mp3"
        assert stores.tracks.get(track_id(20)) is None
    assert first.snapshot() == second.snapshot()


def test_two_copies_on_one_device_stay_two_tracks_everywhere(device: Make) -> None:
    first, second = device("first"), device("second")
    first.add(1, digest="d:same")
    first.add(2, digest="d:same")
    settle(first, second)
    assert second.ask("SELECT count(*) FROM tracks") == [(2,)]


def test_digests_that_are_found_after_the_tracks_met_still_make_one_track(device: Make) -> None:
    first, second = device("first"), device("second")
    first.add(1)
    second.add(2)
    settle(first, second)
    for each, number in ((first, 1), (second, 2)):
        with each.catalogue.writing() as stores:
            stores.tracks.set_reading(track_id(number), stamp=None, digest="d:x", analysed_at_s=1.0, error=None)  # type: ignore[arg-type]
    settle(first, second)
    for each in (first, second):
        assert each.ask("SELECT count(*) FROM tracks") == [(1,)]
        assert each.ask("SELECT count(*) FROM tracks WHERE path IS NOT NULL") == [(1,)]


def test_the_later_word_of_a_person_wins_and_the_other_is_kept_and_told(device: Make) -> None:
    first, second = device("first"), device("second")
    first.add(1)
    settle(first, second)
    first.correct(track_id(1), "earlier", at_s=10.0)
    second.correct(track_id(1), "later", at_s=20.0)
    settle(second, first)
    for each in (first, second):
        assert each.title(track_id(1)) == "later"
        assert each.ask("SELECT count(*) FROM facts WHERE field = 'title'") == [(2,)]
        conflict = each.master.state().conflicts[0]
        assert (conflict.what, conflict.field, conflict.kept, conflict.lost) == (
            "facts",
            "title",
            '"later"',
            '"earlier"',
        )


def test_a_word_said_after_seeing_another_is_later_whatever_the_clock_says(device: Make) -> None:
    ahead, right = device("ahead"), device("right")
    ahead.add(1)
    ahead.correct(track_id(1), "by a clock that is a day ahead", at_s=86_400.0 + 100.0)
    settle(ahead, right)
    right.correct(track_id(1), "said after having seen that", at_s=200.0)
    settle(right, ahead)
    assert {each.title(track_id(1)) for each in (ahead, right)} == {"said after having seen that"}


def test_fields_of_a_playlist_are_settled_one_by_one_and_entries_of_both_stay(device: Make) -> None:
    first, second = filled(device("first")), device("second")
    settle(first, second)
    save(first, "Renamed", track_id(1), track_id(3), track_id(2), track_id(1))
    save(second, "Peak", track_id(1), track_id(2), track_id(1), track_id(4), position=3)
    settle(first, second)
    for each in (first, second):
        found = playlist(each)
        assert (found.name, found.position) == ("Renamed", 3)
        assert sorted(found.entries) == sorted([track_id(1), track_id(3), track_id(2), track_id(1), track_id(4)])
    assert playlist(first) == playlist(second)


def test_what_lost_is_listed_in_full_on_all_devices_and_can_be_had_back(device: Make) -> None:
    first, second = filled(device("first")), device("second")
    settle(first, second)
    lost = [a_cue(float(number), pad=number % 8, label=f"a cue with a long name {number}") for number in range(40)]
    save(first, "The name that loses", track_id(1), track_id(2), track_id(1))
    with first.catalogue.writing() as stores:
        stores.cues.replace(track_id(1), lost, origin="rekordbox")
    with second.catalogue.writing() as stores:
        stores.cues.replace(track_id(1), [a_cue(7.0)], origin="rekordbox")
    save(second, "The name that stays", track_id(1), track_id(2), track_id(1))
    settle(second, first)
    for each in (first, second):
        found = {conflict.field: conflict for conflict in each.master.state().conflicts}
        assert (found["name"].kept, found["name"].lost) == ("The name that stays", "The name that loses")
        told = json.loads(found["cues"].lost)
        assert [(start_s, pad, label) for _, start_s, _, pad, label, *_ in told] == [
            (cue.start_s, cue.pad, cue.label) for cue in lost
        ]
        assert len(found["cues"].kept) <= 200


def test_a_deletion_travels(device: Make, address: MasterAddress) -> None:
    first, second = filled(device("first")), device("second")
    settle(first, second)
    with second.catalogue.writing() as stores:
        stores.tracks.remove([track_id(1)])
        stores.playlists.remove(PEAK)
    settle(second, first)
    assert first.title(track_id(1)) is None
    assert first.ask("SELECT count(*) FROM playlists") == [(0,)]
    assert first.snapshot() == second.snapshot() == master_snapshot(address)


@pytest.mark.parametrize("deletes_first", [True, False])
def test_a_deletion_gives_way_to_a_correction_made_without_knowing_of_it(
    device: Make, address: MasterAddress, *, deletes_first: bool
) -> None:
    first, second = filled(device("first")), device("second")
    settle(first, second)
    with first.catalogue.writing() as stores:
        stores.tracks.remove([track_id(1)])
    second.correct(track_id(1), "still wanted", at_s=50.0)
    settle(*((first, second) if deletes_first else (second, first)))
    for each in (first, second):
        assert each.title(track_id(1)) == "still wanted"
        assert each.ask(f"SELECT count(*) FROM facts WHERE track = {key(1)} AND field = 'year'") == [(1,)]
        assert each.ask(f"SELECT count(*) FROM cues WHERE track = {key(1)}") == [(2,)]
        entries = [row[0] for row in each.ask("SELECT track FROM playlist_entries ORDER BY position")]
        assert entries == [key(1), key(2), key(1)], "the playlist has it where it was"
    assert first.snapshot() == second.snapshot() == master_snapshot(address)


def test_a_playlist_that_never_met_the_one_who_deleted_its_track_keeps_it(device: Make, address: MasterAddress) -> None:
    first, second = filled(device("first")), device("second")
    settle(first, second)
    save(first, "Peak", track_id(3), track_id(4))
    first.sync()
    with second.catalogue.writing() as stores:
        stores.tracks.remove([track_id(3)])
    first.correct(track_id(3), "still wanted", at_s=50.0)
    settle(second, first)
    assert second.ask("SELECT track FROM playlist_entries ORDER BY position") == [(key(3),), (key(4),)]
    assert first.snapshot() == second.snapshot() == master_snapshot(address)


def test_what_the_master_lost_with_a_track_that_was_made_anew_comes_back_from_who_has_it(
    device: Make, address: MasterAddress
) -> None:
    first, second, third = filled(device("first")), device("second"), device("third")
    settle(first, second, third)
    second.correct(track_id(1), "said by the second", at_s=40.0)
    second.sync()
    third.sync()
    with second.catalogue.writing() as stores:
        stores.tracks.remove([track_id(1)])
    second.sync()
    with first.catalogue.writing() as stores:
        stores.facts.record(track_id(1), [a_fact(Field.GENRE, "Acid")])
    settle(first, third, second)
    assert {each.title(track_id(1)) for each in (first, second, third)} == {"said by the second"}
    assert first.snapshot() == second.snapshot() == third.snapshot() == master_snapshot(address)


def test_what_is_said_of_a_track_that_was_merged_meanwhile_reaches_the_one_it_became(device: Make) -> None:
    first, second = filled(device("first")), device("second")
    settle(first, second)
    with first.catalogue.writing() as stores:
        stores.tracks.absorb(track_id(1), track_id(2))
    second.correct(track_id(2), "said of the other", at_s=60.0)
    settle(first, second)
    assert {each.title(track_id(1)) for each in (first, second)} == {"said of the other"}
    assert first.snapshot() == second.snapshot()


def test_merges_in_both_directions_end_alike(device: Make) -> None:
    first, second = filled(device("first")), device("second")
    settle(first, second)
    with first.catalogue.writing() as stores:
        stores.tracks.absorb(track_id(1), track_id(2))
    with second.catalogue.writing() as stores:
        stores.tracks.absorb(track_id(2), track_id(1))
    settle(first, second)
    assert first.ask("SELECT count(*) FROM tracks") == [(4,)]
    assert first.snapshot() == second.snapshot()


def test_a_device_that_was_away_for_long_catches_up_in_pieces(device: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cratehand.catalogue.master.incoming._ROWS", 3)
    first, away = filled(device("first")), device("away")
    settle(first)
    for number in range(1, 6):
        first.correct(track_id(number), f"change {number}", at_s=100.0 + number)
        first.sync()
    assert away.sync().pulled >= 10
    assert away.snapshot() == first.snapshot()


def test_a_collection_that_was_imported_before_there_was_a_master_goes_up_whole(device: Make) -> None:
    first, second = device("first"), device("second")
    rows = [a_row(number, title=f"T{number}", tempo_bpm=120.0, cues=(a_cue(1.0, pad=0),)) for number in range(200)]
    with first.catalogue.writing() as stores:
        stores.collection.apply(everything(*rows), source=REKORDBOX, at_s=1.0, new_id=ids())
        # As a catalogue that was made before provenances had one key on every device.
        stores.connection.exec_driver_sql("UPDATE facts SET provenance = 1")
        stores.connection.exec_driver_sql("UPDATE provenances SET provenance = 1")
    settle(first, second)
    assert second.ask("SELECT count(*) FROM facts") == [(400,)]
    assert second.ask("SELECT min(provenance) > 1000000 FROM facts") == [(1,)]
    assert first.snapshot() == second.snapshot()


def test_collections_are_name_spaces_of_their_own(device: Make, url: str, address: MasterAddress) -> None:
    from cratehand.catalogue.master.address import parse_address
    from cratehand.catalogue.master.setting_up import set_up

    friends = parse_address(url, collection="friends")
    set_up(friends)
    settle(filled(device("mine")))
    assert ask_master(friends, "SELECT count(*) FROM tracks") == [(0,)]
    assert ask_master(address, "SELECT count(*) FROM tracks") == [(5,)]


def test_nothing_is_noted_and_nothing_costs_before_there_is_a_master(device: Make) -> None:
    alone = filled(device("alone"))
    assert alone.ask("SELECT count(*) FROM changes") == [(0,)]
    assert alone.ask("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'capture%'") == [(0,)]


def test_what_came_from_the_master_is_not_sent_back(device: Make) -> None:
    first, second = filled(device("first")), device("second")
    settle(first)
    report = second.sync()
    assert (report.pulled > 0, report.pushed) == (True, 0)
    assert second.sync().is_empty


def key(number: int) -> int:
    return number - (1 << 63)
