import asyncio
import contextlib
import time

import grpc
import psutil
import pytest

from cratehand.domain.events import CollectionSynced, QuietChanged, TrackAdded, TrackAnalysed
from cratehand.domain.ids import JobId, TrackId
from cratehand.domain.job import JobState
from cratehand.servers.grpc.server import GrpcServer
from cratehand_api.v1 import events_pb2, events_pb2_grpc, jobs_pb2, jobs_pb2_grpc, library_pb2, library_pb2_grpc
from tests.api.clients import SHOWN, channel
from tests.api.house import TOKEN, House


async def watching(open_channel: grpc.aio.Channel, *kinds: str):
    stream = events_pb2_grpc.EventsStub(open_channel).Watch(events_pb2.WatchRequest(kinds=kinds), metadata=SHOWN)
    await stream.initial_metadata()
    return stream


async def read(stream) -> events_pb2.Event:
    return await asyncio.wait_for(stream.read(), 10)


async def open_streams_become(server: GrpcServer, number: int) -> None:
    for _ in range(200):
        if server.open_streams == number:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{server.open_streams} streams are open, not {number}")


async def test_events_arrive_in_order_with_growing_numbers(house: House, grpc_server: GrpcServer) -> None:
    async with channel(grpc_server.address) as open_channel:
        stream = await watching(open_channel)
        house.bus.publish(TrackAdded(track_id=TrackId("a")))
        house.bus.publish(CollectionSynced(added=1, changed=2, removed=3))
        house.bus.publish(QuietChanged(quiet=True, reason="\udce9"))
        events = [await read(stream) for _ in range(3)]
        stream.cancel()
    assert [event.sequence for event in events] == [1, 2, 3]
    assert events[0].track_added.track_id == "a"
    assert (events[1].collection_synced.added, events[1].collection_synced.removed) == (1, 3)
    assert events[2].quiet.reason == "\\udce9"
    assert not any(event.missed for event in events)


async def test_only_the_kinds_that_were_asked_for_arrive(house: House, grpc_server: GrpcServer) -> None:
    async with channel(grpc_server.address) as open_channel:
        stream = await watching(open_channel, "track_analysed")
        for number in range(5):
            house.bus.publish(TrackAdded(track_id=TrackId(str(number))))
        house.bus.publish(TrackAnalysed(track_id=TrackId("z")))
        event = await read(stream)
        stream.cancel()
    assert (event.track_analysed.track_id, event.sequence, event.missed) == ("z", 6, 0)


async def test_a_kind_that_is_none_is_refused(grpc_server: GrpcServer) -> None:
    async with channel(grpc_server.address) as open_channel:
        stream = events_pb2_grpc.EventsStub(open_channel).Watch(
            events_pb2.WatchRequest(kinds=["track_removed"]), metadata=SHOWN
        )
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream.read()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert dict(caught.value.trailing_metadata())["cratehand-code"] == "invalid_input"


async def test_a_client_that_goes_frees_its_stream(house: House, grpc_server: GrpcServer) -> None:
    for _ in range(3):
        async with channel(grpc_server.address) as open_channel:
            await watching(open_channel)
            await open_streams_become(grpc_server, 1)
        await open_streams_become(grpc_server, 0)
    assert not house.bus._subscriptions


async def test_a_client_that_stops_reading_grows_nothing_and_holds_up_nobody(
    house: House, grpc_server: GrpcServer
) -> None:
    # A client's transport takes some 4 MB of what nobody reads; these are 14 MB.
    total, reason = 14_000, "x" * 1_000
    own = psutil.Process()
    async with channel(grpc_server.address) as lazy_channel, channel(grpc_server.address) as keen_channel:
        lazy = await watching(lazy_channel)
        keen = await watching(keen_channel)
        library = library_pb2_grpc.LibraryStub(keen_channel)
        received, before_bytes = 0, own.memory_info().rss
        for _ in range(0, total, 2_000):
            for _ in range(2_000):
                house.bus.publish(QuietChanged(quiet=True, reason=reason))
            for _ in range(2_000):
                event = await read(keen)
                received += 1
                assert (event.sequence, event.missed) == (received, 0)
        assert own.memory_info().rss - before_bytes < 40_000_000
        began_s = time.monotonic()
        await library.GetTrack(library_pb2.GetTrackRequest(track=house.track_ids[0]), metadata=SHOWN)
        assert time.monotonic() - began_s < 1.0
        last, missed = 0, 0
        while last < total:
            event = await read(lazy)
            assert event.sequence == last + event.missed + 1
            last, missed = event.sequence, missed + event.missed
        assert missed > total / 10
        lazy.cancel()
        keen.cancel()


async def rest_of(stream) -> list[str]:
    states = []
    while (job := await read(stream)) is not grpc.aio.EOF:
        states.append(job.state)
    return states


async def test_a_job_is_followed_to_its_end(house: House, grpc_server: GrpcServer) -> None:
    async with channel(grpc_server.address) as open_channel:
        jobs = jobs_pb2_grpc.JobsStub(open_channel)
        job = await jobs.AnalyseTrack(jobs_pb2.AnalyseTrackRequest(track=house.track_ids[0]), metadata=SHOWN)
        stream = jobs.WatchJob(jobs_pb2.GetJobRequest(id=job.id), metadata=SHOWN)
        states = [(await read(stream)).state]
        await jobs.CancelJob(jobs_pb2.CancelJobRequest(id=job.id), metadata=SHOWN)
        states += await rest_of(stream)
        ended = jobs.WatchJob(jobs_pb2.GetJobRequest(id=job.id), metadata=SHOWN)
        assert await rest_of(ended) == ["cancelled"]
    assert states == ["queued", "cancelled"]


async def test_a_follower_that_missed_the_end_of_a_job_is_told_of_it(house: House, grpc_server: GrpcServer) -> None:
    async with channel(grpc_server.address) as open_channel:
        jobs = jobs_pb2_grpc.JobsStub(open_channel)
        job = await jobs.AnalyseTrack(jobs_pb2.AnalyseTrackRequest(track=house.track_ids[0]), metadata=SHOWN)
        stream = jobs.WatchJob(jobs_pb2.GetJobRequest(id=job.id), metadata=SHOWN)
        await read(stream)
        with house.catalogue.writing() as stores:
            # Another process ends it: no event of ours; then so many others that the subscription overflows.
            stores.jobs.finish(JobId(job.id), state=JobState.DONE, at_s=5.0)
        for number in range(10_000):
            house.bus.publish(TrackAdded(track_id=TrackId(str(number))))
        assert await rest_of(stream) == ["done"]


async def test_a_stop_with_open_streams_takes_less_than_two_seconds_and_is_told(house: House) -> None:
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(GrpcServer(house.use_cases, token=TOKEN))
        open_channel = await stack.enter_async_context(channel(server.address))
        streams = [await watching(open_channel) for _ in range(20)]
        lazy = await watching(open_channel)
        for number in range(20_000):
            house.bus.publish(TrackAdded(track_id=TrackId(f"{number:016x}")))
        await asyncio.sleep(0.1)
        began_s = time.monotonic()
        await server.__aexit__(None, None, None)
        took_s = time.monotonic() - began_s
        stack.pop_all()
        codes = set()
        for stream in streams:
            with contextlib.suppress(grpc.aio.AioRpcError):
                while (await read(stream)) is not grpc.aio.EOF:
                    pass
            codes.add(await stream.code())
        assert took_s < 2.0
        assert codes == {grpc.StatusCode.UNAVAILABLE}
        assert server.open_streams == 0
        lazy.cancel()
        await open_channel.close()
    assert not house.bus._subscriptions


async def test_a_stream_too_many_is_refused_and_the_others_go_on(house: House, grpc_server: GrpcServer) -> None:
    async with channel(grpc_server.address) as open_channel:
        streams = [await watching(open_channel) for _ in range(64)]
        one_more = events_pb2_grpc.EventsStub(open_channel).Watch(events_pb2.WatchRequest(), metadata=SHOWN)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await one_more.read()
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert dict(caught.value.trailing_metadata())["cratehand-retry-after-s"] == "5"
        house.bus.publish(TrackAdded(track_id=TrackId("a")))
        assert (await read(streams[0])).sequence == 1
