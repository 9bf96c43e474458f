import json
from pathlib import Path

import grpc
import pytest

from cratehand.domain.collection import Playlist, PlaylistKind
from cratehand.domain.fields import Field
from cratehand.domain.ids import PlaylistId, TrackId
from cratehand.domain.provenance import Fact
from cratehand.domain.track import Presence, Track
from cratehand.servers.grpc.server import GrpcServer
from cratehand_api.v1 import (
    daemon_pb2,
    daemon_pb2_grpc,
    errors_pb2,
    export_pb2,
    export_pb2_grpc,
    jobs_pb2,
    jobs_pb2_grpc,
    library_pb2,
    library_pb2_grpc,
    search_pb2,
    search_pb2_grpc,
    track_pb2,
)
from tests.api.clients import SHOWN, channel
from tests.api.house import ANALYSIS, REKORDBOX, House


@pytest.fixture
async def open_channel(grpc_server: GrpcServer):
    async with channel(grpc_server.address) as opened:
        yield opened


@pytest.fixture
def library(open_channel: grpc.aio.Channel):
    return library_pb2_grpc.LibraryStub(open_channel)


@pytest.fixture
def jobs(open_channel: grpc.aio.Channel):
    return jobs_pb2_grpc.JobsStub(open_channel)


async def refused(answer) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await answer
    return caught.value


async def test_a_track_tells_what_is_believed_and_every_claim(house: House, library) -> None:
    track = await library.GetTrack(library_pb2.GetTrackRequest(track=house.track_ids[0]), metadata=SHOWN)
    assert track.summary.title == "Title 0"
    assert track.summary.artist == "日本 Ärtist"
    assert track.summary.tempo_bpm == 120.0
    assert track.summary.camelot == "8A"
    assert track.summary.key == "A minor"
    assert track.summary.on_this_device
    tempi = {
        fact.source: (json.loads(fact.value_json), fact.believed) for fact in track.facts if fact.field == "tempo_bpm"
    }
    assert tempi == {"rekordbox/master.db": (64.0, False), "analysis/test": (120.0, True)}
    assert track.cues[0].label == "Übergang"
    assert track.cues[0].colour == "#FF0010"
    assert not track.cues[0].HasField("end_s")


async def test_what_is_not_known_is_absent(house: House, library) -> None:
    track = await library.GetTrack(library_pb2.GetTrackRequest(track=house.track_ids[-1]), metadata=SHOWN)
    for name in ("key", "camelot", "energy", "integrated_lufs", "analysed_at_s", "year", "error"):
        assert not track.summary.HasField(name), name


async def test_a_track_is_found_by_its_path_and_by_the_beginning_of_its_id(house: House, library) -> None:
    path = str(house.folder / "track 1.flac")
    by_path = await library.GetTrack(library_pb2.GetTrackRequest(track=path), metadata=SHOWN)
    assert by_path.summary.id == house.track_ids[1]
    several = await refused(library.GetTrack(library_pb2.GetTrackRequest(track="abc0"), metadata=SHOWN))
    assert several.code() is grpc.StatusCode.ABORTED


async def test_pages_together_are_the_whole_list_in_order(house: House, library) -> None:
    token, titles = "", []
    while True:
        request = library_pb2.ListTracksRequest(order="title", descending=True, page_size=1, page_token=token)
        page = await library.ListTracks(request, metadata=SHOWN)
        assert page.total == 3
        titles += [track.title for track in page.tracks]
        token = page.next_page_token
        if not token:
            break
    assert titles == ["Title 2", "Title 1", "Title 0"]


@pytest.mark.parametrize("token", ["x", "AAAA", "not base64!", "é", "A" * 19, "A" * 100_000])
async def test_a_page_token_of_somebody_elses_is_refused(library, token: str) -> None:
    error = await refused(library.ListTracks(library_pb2.ListTracksRequest(page_token=token), metadata=SHOWN))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "page_token" in error.details()


async def test_a_page_token_fits_its_own_question_only(library) -> None:
    first = await library.ListTracks(library_pb2.ListTracksRequest(page_size=1), metadata=SHOWN)
    other = library_pb2.ListTracksRequest(page_size=1, order="title", page_token=first.next_page_token)
    assert (await refused(library.ListTracks(other, metadata=SHOWN))).code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_page_is_never_larger_than_a_thousand(library) -> None:
    page = await library.ListTracks(library_pb2.ListTracksRequest(page_size=2_000_000_000), metadata=SHOWN)
    assert len(page.tracks) == 3
    error = await refused(library.ListTracks(library_pb2.ListTracksRequest(page_size=-1), metadata=SHOWN))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"tempo_from_bpm": 120.5}, ["Title 1"]),
        ({"tempo_to_bpm": 100.0}, ["Title 2"]),
        ({"camelot": ["Am"]}, ["Title 0", "Title 1"]),
        ({"energy_from": 7}, []),
        ({"analysed": False}, ["Title 2"]),
        ({"text": "title 日本"}, ["Title 0", "Title 1", "Title 2"]),
    ],
)
async def test_a_filter_chooses(library, wanted: dict, found: list[str]) -> None:
    request = library_pb2.ListTracksRequest(filter=track_pb2.TrackFilter(**wanted), order="title")
    page = await library.ListTracks(request, metadata=SHOWN)
    assert [track.title for track in page.tracks] == found


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        ({"tempo_from_bpm": float("nan")}, "tempo_from_bpm"),
        ({"tempo_to_bpm": float("inf")}, "tempo_to_bpm"),
        ({"tempo_from_bpm": 130, "tempo_to_bpm": 120}, "tempo"),
        ({"camelot": ["13A"]}, "camelot"),
        ({"text": "x" * 2000}, "text"),
        ({"year_from": 2020, "year_to": 2000}, "year"),
    ],
)
async def test_a_filter_that_can_not_be_meant_is_refused_by_name(library, wanted: dict, named: str) -> None:
    request = library_pb2.ListTracksRequest(filter=track_pb2.TrackFilter(**wanted))
    error = await refused(library.ListTracks(request, metadata=SHOWN))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert named in error.details()


async def test_a_correction_wins_and_a_dry_run_changes_nothing(house: House, library) -> None:
    def request(*, dry_run: bool) -> library_pb2.SetTrackRequest:
        return library_pb2.SetTrackRequest(track=house.track_ids[0], values={"tempo": "double"}, dry_run=dry_run)

    planned = await library.SetTrack(request(dry_run=True), metadata=SHOWN)
    assert planned.changes[0].after == "240.0"
    assert planned.track.summary.tempo_bpm == 120.0
    done = await library.SetTrack(request(dry_run=False), metadata=SHOWN)
    assert done.track.summary.tempo_bpm == 240.0


@pytest.mark.parametrize("values", [{}, {"tempoo": "1"}, {"rating": "9"}, {"title": "x" * 20_000}])
async def test_a_correction_that_is_none_is_refused(house: House, library, values: dict[str, str]) -> None:
    request = library_pb2.SetTrackRequest(track=house.track_ids[0], values=values)
    assert (await refused(library.SetTrack(request, metadata=SHOWN))).code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_playlists_come_with_their_entries_and_in_pages_where_they_are_many(house: House, library) -> None:
    entries = tuple([house.track_ids[0]] * 60_000)
    with house.catalogue.writing() as stores:
        for number in range(3):
            stores.playlists.save(
                Playlist(
                    id=PlaylistId(f"{number:016x}"), name=f"Set {number}", kind=PlaylistKind.PLAYLIST,
                    position=number, entries=entries if number else (),
                )
            )  # fmt: skip
    first = await library.ListPlaylists(library_pb2.ListPlaylistsRequest(), metadata=SHOWN)
    assert [(playlist.name, len(playlist.track_ids)) for playlist in first.playlists] == [
        ("Set 0", 0),
        ("Set 1", 60_000),
    ]
    rest = await library.ListPlaylists(
        library_pb2.ListPlaylistsRequest(page_token=first.next_page_token), metadata=SHOWN
    )
    assert [playlist.name for playlist in rest.playlists] == ["Set 2"]
    assert rest.next_page_token == ""


async def test_a_playlist_is_renamed_and_deleted_as_plans(house: House, library) -> None:
    names = {"1" * 16: ("Mine", "cratehand"), "2" * 16: ("Theirs", "rekordbox")}
    with house.catalogue.writing() as stores:
        for playlist_id, (name, origin) in names.items():
            stores.playlists.save(
                Playlist(id=PlaylistId(playlist_id), name=name, kind=PlaylistKind.PLAYLIST, origin=origin)
            )
    wish = library_pb2.RenamePlaylistRequest(playlist="Mine", name="Ours", dry_run=True)
    planned = await library.RenamePlaylist(wish, metadata=SHOWN)
    assert not planned.HasField("plan_id")
    wish.dry_run = False
    renamed = await library.RenamePlaylist(wish, metadata=SHOWN)
    assert (list(renamed.changes), bool(renamed.plan_id)) == (list(planned.changes), True)
    gone = await library.DeletePlaylist(library_pb2.DeletePlaylistRequest(playlist="Ours"), metadata=SHOWN)
    assert [change.what for change in gone.changes] == ["remove playlist"]
    assert [each.name for each in house.use_cases.playlists.all()] == ["Theirs"]
    for playlist, name, code in (
        ("Theirs", "x", grpc.StatusCode.UNIMPLEMENTED), ("Ours", "x", grpc.StatusCode.NOT_FOUND),
        ("", "x", grpc.StatusCode.INVALID_ARGUMENT), ("Theirs", "", grpc.StatusCode.INVALID_ARGUMENT),
    ):  # fmt: skip
        wish = library_pb2.RenamePlaylistRequest(playlist=playlist, name=name)
        assert (await refused(library.RenamePlaylist(wish, metadata=SHOWN))).code() is code


async def test_a_path_that_is_no_utf8_and_numbers_that_are_not_finite_reach_the_client(house: House, library) -> None:
    odd = TrackId("0dd0000000000000")
    path = Path(str(house.folder / "caf\udce9.flac"))
    with house.catalogue.writing() as stores:
        stores.tracks.add([Track(id=odd, path=path, presence=Presence.PRESENT, added_at_s=1.0)])
        stores.facts.record(
            odd, [Fact(field=Field.TITLE, value="a\nb\t'&#%😀", source=REKORDBOX, at_s=1.0, confidence=1.0)]
        )
    track = await library.GetTrack(library_pb2.GetTrackRequest(track=odd), metadata=SHOWN)
    assert track.summary.path.endswith("caf\\xe9.flac")
    assert track.summary.title == "a\nb\t'&#%😀"


async def test_neighbours_come_nearest_first_with_reasons(house: House, open_channel) -> None:
    search = search_pb2_grpc.SearchStub(open_channel)
    answer = await search.Similar(search_pb2.SimilarRequest(track=house.track_ids[0]), metadata=SHOWN)
    assert [match.track.id for match in answer.matches] == [house.track_ids[1]]
    assert "same key" in answer.matches[0].reasons
    filtered = search_pb2.SimilarRequest(
        track=house.track_ids[0], filter=track_pb2.TrackFilter(tempo_from_bpm=300, tempo_to_bpm=310)
    )
    assert not (await search.Similar(filtered, metadata=SHOWN)).matches
    assert answer.matches[0].ranking == "dsp"
    own_key = search_pb2.SimilarRequest(
        track=house.track_ids[0], space="dsp", filter=track_pb2.TrackFilter(mixes_with="track", tempo_octaves=True)
    )
    assert len((await search.Similar(own_key, metadata=SHOWN)).matches) == 1
    unknown = search.Similar(search_pb2.SimilarRequest(track=house.track_ids[0], space="x"), metadata=SHOWN)
    assert (await refused(unknown)).code() is grpc.StatusCode.INVALID_ARGUMENT
    not_analysed = search.Similar(search_pb2.SimilarRequest(track=house.track_ids[-1]), metadata=SHOWN)
    assert (await refused(not_analysed)).code() is grpc.StatusCode.NOT_FOUND


async def test_text_finds_tracks(open_channel) -> None:
    search = search_pb2_grpc.SearchStub(open_channel)
    answer = await search.SearchText(search_pb2.SearchTextRequest(text="title 1"), metadata=SHOWN)
    assert [match.track.title for match in answer.matches] == ["Title 1"]


async def test_a_job_is_queued_listed_cancelled_once(house: House, jobs) -> None:
    job = await jobs.AnalyseTrack(jobs_pb2.AnalyseTrackRequest(track=house.track_ids[0]), metadata=SHOWN)
    assert (job.state, job.priority, job.track_id) == ("queued", "interactive", house.track_ids[0])
    listed = await jobs.ListJobs(jobs_pb2.ListJobsRequest(states=["queued"]), metadata=SHOWN)
    assert [one.id for one in listed.jobs] == [job.id]
    assert listed.counts["queued"] == 1
    cancelled = await jobs.CancelJob(jobs_pb2.CancelJobRequest(id=job.id), metadata=SHOWN)
    assert cancelled.state == "cancelled"
    again = await refused(jobs.CancelJob(jobs_pb2.CancelJobRequest(id=job.id), metadata=SHOWN))
    assert again.code() is grpc.StatusCode.ABORTED


@pytest.mark.parametrize(
    ("job_id", "code"), [("", grpc.StatusCode.INVALID_ARGUMENT), ("no", grpc.StatusCode.NOT_FOUND)]
)
async def test_a_job_that_is_none_is_refused(jobs, job_id: str, code: grpc.StatusCode) -> None:
    assert (await refused(jobs.GetJob(jobs_pb2.GetJobRequest(id=job_id), metadata=SHOWN))).code() is code


async def test_an_export_writes_the_file_and_a_dry_run_does_not(house: House, open_channel) -> None:
    export = export_pb2_grpc.ExportStub(open_channel)
    target = house.folder / "out.xml"
    request = export_pb2.ExportRekordboxRequest(path=str(target), dry_run=True)
    assert (await export.ExportRekordbox(request, metadata=SHOWN)).tracks == 3
    assert not target.exists()
    request.dry_run = False
    await export.ExportRekordbox(request, metadata=SHOWN)
    assert len(target.read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"path": "relative.xml"}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"path": ""}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"path": "/nowhere/at/all.xml"}, grpc.StatusCode.UNAVAILABLE),
        ({"playlist": "none such"}, grpc.StatusCode.NOT_FOUND),
        ({"suggestions": "everywhere"}, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_an_export_that_can_not_be_is_refused(
    house: House, open_channel, changed: dict, code: grpc.StatusCode
) -> None:
    request = export_pb2.ExportRekordboxRequest(**{"path": str(house.folder / "out.xml"), **changed})
    error = await refused(export_pb2_grpc.ExportStub(open_channel).ExportRekordbox(request, metadata=SHOWN))
    assert error.code() is code


async def test_pause_and_resume_are_seen_in_the_status(house: House, open_channel) -> None:
    daemon = daemon_pb2_grpc.DaemonStub(open_channel)
    paused = await daemon.Pause(daemon_pb2.PauseRequest(), metadata=SHOWN)
    assert "paused" in paused.quiet_reason
    resumed = await daemon.Resume(daemon_pb2.ResumeRequest(), metadata=SHOWN)
    assert not resumed.HasField("quiet_reason")
    assert house.woken == ["wake", "wake"]
    assert resumed.tracks["total"] == 3


async def test_folders_are_added_and_removed_at_run_time(house: House, open_channel, tmp_path_factory) -> None:
    daemon = daemon_pb2_grpc.DaemonStub(open_channel)
    music = tmp_path_factory.mktemp("music 日本")
    planned = await daemon.AddFolder(daemon_pb2.AddFolderRequest(path=str(music), dry_run=True), metadata=SHOWN)
    assert planned.changes[0].where == str(music)
    assert not house.woken
    await daemon.AddFolder(daemon_pb2.AddFolderRequest(path=str(music), polling=True), metadata=SHOWN)
    folders = (await daemon.ListFolders(daemon_pb2.ListFoldersRequest(), metadata=SHOWN)).folders
    assert {(folder.path, folder.polling, folder.configured, folder.present) for folder in folders} == {
        (str(music), True, False, True),
        (str(house.folder), False, True, True),
    }
    await daemon.RemoveFolder(daemon_pb2.RemoveFolderRequest(path=str(music)), metadata=SHOWN)
    assert house.woken == ["refresh", "refresh"]
    gone = await refused(daemon.RemoveFolder(daemon_pb2.RemoveFolderRequest(path=str(music)), metadata=SHOWN))
    assert gone.code() is grpc.StatusCode.NOT_FOUND


async def test_an_error_carries_code_details_and_no_more(library) -> None:
    error = await refused(library.GetTrack(library_pb2.GetTrackRequest(track="/ü/ß\n.flac"), metadata=SHOWN))
    trailers = dict(error.trailing_metadata())
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert trailers["cratehand-code"] == "not_found"
    status = errors_pb2.ErrorStatus.FromString(trailers["grpc-status-details-bin"])
    info = errors_pb2.ErrorInfo.FromString(status.details[0].value)
    assert status.details[0].type_url == "type.googleapis.com/google.rpc.ErrorInfo"
    assert (status.code, info.reason, info.domain) == (5, "not_found", "cratehand")


@pytest.mark.parametrize("track", ["", "   ", "a\0b", "x" * 10_000, "日" * 4_000])
async def test_a_reference_that_is_none_gets_one_clear_line(library, track: str) -> None:
    error = await refused(library.GetTrack(library_pb2.GetTrackRequest(track=track), metadata=SHOWN))
    assert error.code() in {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}
    assert "\n" not in error.details()


async def test_a_message_of_two_megabytes_is_refused_and_the_server_goes_on(house: House, library) -> None:
    big = library_pb2.GetTrackRequest(track="x" * 2_000_000)
    assert (await refused(library.GetTrack(big, metadata=SHOWN))).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    await library.GetTrack(library_pb2.GetTrackRequest(track=house.track_ids[0]), metadata=SHOWN)


async def test_facts_of_an_analysis_are_marked_with_their_source(house: House, library) -> None:
    track = await library.GetTrack(library_pb2.GetTrackRequest(track=house.track_ids[0]), metadata=SHOWN)
    assert {fact.source for fact in track.facts} == {str(ANALYSIS), str(REKORDBOX)}
    assert sum(fact.believed for fact in track.facts) == len({fact.field for fact in track.facts})
