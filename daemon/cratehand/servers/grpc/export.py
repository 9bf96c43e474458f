"""The service Export."""
# ruff: noqa: N802 - the generated base class names the methods

from cratehand.servers.grpc.errors import Context
from cratehand.servers.grpc.questions import absolute_path, bounded, choice
from cratehand.servers.wire_values import path_text
from cratehand.usecases.collection_export import ExportSummary, Suggestions
from cratehand.usecases.use_cases import UseCases
from cratehand_api.v1 import export_pb2, export_pb2_grpc


class ExportService(export_pb2_grpc.ExportServicer):
    """Collections and playlists as files."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use_cases = use_cases

    async def ExportRekordbox(
        self, request: export_pb2.ExportRekordboxRequest, context: Context
    ) -> export_pb2.ExportResponse:
        """Write Rekordbox XML."""
        target = absolute_path("path", request.path)
        summary = await self._use_cases.lanes.slow(
            self._use_cases.export.to_rekordbox,
            target,
            playlist=bounded("playlist", request.playlist) if request.HasField("playlist") else None,
            suggestions=choice("suggestions", request.suggestions, Suggestions, default=Suggestions.NONE),
            dry_run=request.dry_run,
        )
        return _response(path_text(target), summary)

    async def ExportM3u8(self, request: export_pb2.ExportM3u8Request, context: Context) -> export_pb2.ExportResponse:
        """Write an M3U8 playlist."""
        target = absolute_path("path", request.path)
        summary = await self._use_cases.lanes.slow(
            self._use_cases.export.to_m3u8,
            target,
            playlist=bounded("playlist", request.playlist) if request.HasField("playlist") else None,
            dry_run=request.dry_run,
        )
        return _response(path_text(target), summary)


def _response(path: str, summary: ExportSummary) -> export_pb2.ExportResponse:
    return export_pb2.ExportResponse(
        path=path,
        tracks=summary.tracks,
        playlists=summary.playlists,
        known_to_rekordbox=summary.known_to_rekordbox,
        without_file=summary.without_file,
    )
