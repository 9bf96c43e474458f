"""The service Daemon."""
# ruff: noqa: N802 - the generated base class names the methods

from cratehand.servers.grpc.errors import Context
from cratehand.servers.grpc.questions import absolute_path
from cratehand.servers.grpc.translate import change_messages, status_message
from cratehand.servers.wire_values import path_text
from cratehand.usecases.use_cases import UseCases
from cratehand_api.v1 import daemon_pb2, daemon_pb2_grpc


class DaemonService(daemon_pb2_grpc.DaemonServicer):
    """The daemon itself."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use_cases = use_cases

    async def GetStatus(self, request: daemon_pb2.GetStatusRequest, context: Context) -> daemon_pb2.Status:
        """Return how the daemon is."""
        return await self._use_cases.lanes.quick(self._status)

    async def Pause(self, request: daemon_pb2.PauseRequest, context: Context) -> daemon_pb2.Status:
        """Stop background work."""
        await self._use_cases.lanes.quick(self._use_cases.quiet.pause)
        self._use_cases.wake_background()
        return await self._use_cases.lanes.quick(self._status)

    async def Resume(self, request: daemon_pb2.ResumeRequest, context: Context) -> daemon_pb2.Status:
        """Let background work go on."""
        await self._use_cases.lanes.quick(self._use_cases.quiet.resume)
        self._use_cases.wake_background()
        return await self._use_cases.lanes.quick(self._status)

    async def ListFolders(
        self, request: daemon_pb2.ListFoldersRequest, context: Context
    ) -> daemon_pb2.ListFoldersResponse:
        """Return the watched folders; looks whether each is there, hence the slow lane."""
        return await self._use_cases.lanes.slow(self._list_folders)

    async def AddFolder(
        self, request: daemon_pb2.AddFolderRequest, context: Context
    ) -> daemon_pb2.FolderChangeResponse:
        """Watch a folder."""
        path = absolute_path("path", request.path)
        plan = await self._use_cases.lanes.slow(
            self._use_cases.folders.add, path, polling=request.polling, dry_run=request.dry_run
        )
        if not request.dry_run:
            await self._use_cases.refresh_folders()
        return daemon_pb2.FolderChangeResponse(changes=change_messages(plan))

    async def RemoveFolder(
        self, request: daemon_pb2.RemoveFolderRequest, context: Context
    ) -> daemon_pb2.FolderChangeResponse:
        """Watch a folder no more."""
        path = absolute_path("path", request.path)
        plan = await self._use_cases.lanes.slow(self._use_cases.folders.remove, path, dry_run=request.dry_run)
        if not request.dry_run:
            await self._use_cases.refresh_folders()
        return daemon_pb2.FolderChangeResponse(changes=change_messages(plan))

    def _status(self) -> daemon_pb2.Status:
        return status_message(self._use_cases.health.status())

    def _list_folders(self) -> daemon_pb2.ListFoldersResponse:
        return daemon_pb2.ListFoldersResponse(
            folders=[
                daemon_pb2.Folder(
                    path=path_text(folder.path),
                    polling=folder.polling,
                    configured=folder.added_at_s == 0,
                    present=folder.path.is_dir(),
                )
                for folder in self._use_cases.folders.all()
            ]
        )
