"""The service Search."""
# ruff: noqa: N802 - the generated base class names the methods

from typing import Final

from cratehand.domain.search import TrackFilter
from cratehand.servers.grpc.errors import Context
from cratehand.servers.grpc.questions import bounded, limit, reference, track_filter
from cratehand.servers.grpc.translate import match_messages
from cratehand.usecases.use_cases import UseCases
from cratehand_api.v1 import search_pb2, search_pb2_grpc, track_pb2

_FOUND: Final = 20
_MOST: Final = 500


class SearchService(search_pb2_grpc.SearchServicer):
    """Find tracks."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use_cases = use_cases

    async def Similar(self, request: search_pb2.SimilarRequest, context: Context) -> search_pb2.SearchResponse:
        """Return the tracks nearest to one."""
        return await self._use_cases.lanes.quick(self._similar, request)

    async def SearchText(self, request: search_pb2.SearchTextRequest, context: Context) -> search_pb2.SearchResponse:
        """Return the tracks that hold all words."""
        return await self._use_cases.lanes.quick(self._search_text, request)

    def _similar(self, request: search_pb2.SimilarRequest) -> search_pb2.SearchResponse:
        matches = self._use_cases.similarity.similar(
            reference("track", request.track),
            limit=limit("limit", request.limit, default=_FOUND, most=_MOST),
            track_filter=_filter(request.filter),
            space=bounded("space", request.space) if request.HasField("space") else None,
        )
        return match_messages(matches)

    def _search_text(self, request: search_pb2.SearchTextRequest) -> search_pb2.SearchResponse:
        matches = self._use_cases.text_search.search(
            bounded("text", request.text),
            limit=limit("limit", request.limit, default=_FOUND, most=_MOST),
            track_filter=_filter(request.filter),
        )
        return match_messages(matches)


def _filter(wanted: track_pb2.TrackFilter) -> TrackFilter | None:
    chosen = track_filter(wanted)
    return None if chosen == TrackFilter() else chosen
