"""The service Stems."""
# ruff: noqa: N802 - the generated base class names the methods

from cratehand.domain.stem import StemFormat, StemOrder
from cratehand.servers.grpc.errors import Context
from cratehand.servers.grpc.questions import absolute_path, bounded, choice, reference
from cratehand.servers.grpc.translate import job_message
from cratehand.servers.wire_values import path_text
from cratehand.usecases.use_cases import UseCases
from cratehand_api.v1 import jobs_pb2, stems_pb2, stems_pb2_grpc


class StemsService(stems_pb2_grpc.StemsServicer):
    """Separate tracks."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use_cases = use_cases

    async def Separate(self, request: stems_pb2.SeparateRequest, context: Context) -> jobs_pb2.Job:
        """Queue a separation."""
        track = reference("track", request.track)
        wish = StemOrder(
            path="",
            model=bounded("model", request.model),
            out=str(absolute_path("out", request.out)) if request.out else "",
            format=choice("format", request.format, StemFormat, default=StemFormat.FLAC),
        )
        return job_message(await self._use_cases.lanes.slow(self._use_cases.stems.separate, track, wish))

    async def ListStems(self, request: stems_pb2.ListStemsRequest, context: Context) -> stems_pb2.ListStemsResponse:
        """Return what is there; reads the file to know it by its sound, hence the slow lane."""
        return await self._use_cases.lanes.slow(self._list_stems, reference("track", request.track))

    def _list_stems(self, track: str) -> stems_pb2.ListStemsResponse:
        return stems_pb2.ListStemsResponse(
            models=[
                stems_pb2.ModelStems(
                    model=cached.model,
                    complete=cached.is_complete,
                    stems=[
                        stems_pb2.Stem(kind=stem.kind.value, path=path_text(stem.path), peak=stem.peak)
                        for stem in cached.files
                    ],
                )
                for cached in self._use_cases.stems.cached(track)
            ]
        )
