"""The service Events."""
# ruff: noqa: N802 - the generated base class names the methods

from collections.abc import AsyncIterator
from typing import Final

from cratehand.domain.errors import InvalidInputError
from cratehand.domain.events import (
    CollectionSynced,
    Event,
    JobProgressed,
    PlanChanged,
    QuietChanged,
    TrackAdded,
    TrackAnalysed,
    TrackChanged,
)
from cratehand.servers.grpc.errors import Context
from cratehand.servers.grpc.translate import job_message
from cratehand.servers.wire_values import text
from cratehand.usecases.event_bus import EventBus
from cratehand_api.v1 import events_pb2, events_pb2_grpc

KINDS: Final = ("track_added", "track_changed", "track_analysed", "collection_synced", "job", "quiet", "plan")
"""Names of the kinds, the same as the fields of the message."""


class EventsService(events_pb2_grpc.EventsServicer):
    """What happens in the daemon."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus

    async def Watch(self, request: events_pb2.WatchRequest, context: Context) -> AsyncIterator[events_pb2.Event]:
        """Send events from now on; the initial metadata say when "now" is.

        The next event is taken only when the client has taken the one before: what piles up meanwhile piles up in the
        subscription, which has an end and then drops the oldest.
        """
        for kind in request.kinds:
            if kind not in KINDS:
                raise InvalidInputError(f"kinds: {kind[:80]!r} is none of {', '.join(KINDS)}")
        wanted = frozenset(request.kinds or KINDS)
        with self._bus.subscribe() as subscription:
            last, missed = self._bus.last_sequence, 0
            await context.send_initial_metadata(())
            async for numbered in subscription:
                missed += max(numbered.sequence - last - 1, 0)
                last = numbered.sequence
                message = _message(numbered.event)
                if message.WhichOneof("event") in wanted:
                    message.sequence, message.missed = last, missed
                    missed = 0
                    yield message


def _message(event: Event) -> events_pb2.Event:
    match event:
        case TrackAdded(track_id=track_id):
            return events_pb2.Event(track_added=events_pb2.TrackEvent(track_id=track_id))
        case TrackChanged(track_id=track_id):
            return events_pb2.Event(track_changed=events_pb2.TrackEvent(track_id=track_id))
        case TrackAnalysed(track_id=track_id):
            return events_pb2.Event(track_analysed=events_pb2.TrackEvent(track_id=track_id))
        case CollectionSynced(added=added, changed=changed, removed=removed):
            counts = events_pb2.CollectionSynced(added=added, changed=changed, removed=removed)
            return events_pb2.Event(collection_synced=counts)
        case JobProgressed(job=job):
            return events_pb2.Event(job=job_message(job))
        case PlanChanged(plan_id=plan_id, kind=kind, state=state):
            return events_pb2.Event(plan=events_pb2.PlanEvent(plan_id=plan_id, kind=kind, state=state))
        case QuietChanged(quiet=quiet, reason=reason):
            return events_pb2.Event(quiet=events_pb2.Quiet(quiet=quiet, reason=text(reason)))
