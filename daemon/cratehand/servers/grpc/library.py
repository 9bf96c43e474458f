"""The service Library."""
# ruff: noqa: N802 - the generated base class names the methods

from itertools import accumulate
from typing import Final

from cratehand.domain.errors import InvalidInputError
from cratehand.domain.search import SortOrder, TrackQuery
from cratehand.servers.grpc.errors import Context
from cratehand.servers.grpc.people import user_name
from cratehand.servers.grpc.questions import (
    bounded,
    choice,
    limit,
    page_offset,
    page_token,
    reference,
    track_filter,
)
from cratehand.servers.grpc.translate import change_messages, playlist_message, summary_message, track_message
from cratehand.usecases.use_cases import UseCases
from cratehand_api.v1 import library_pb2, library_pb2_grpc, track_pb2

_PAGE: Final = 100
_LARGEST_PAGE: Final = 1_000
_LIST_ENTRIES: Final = 100_000
"""Playlist entries of one page, about 2 MB: clients take 4 MB by default."""
_VALUES: Final = 50
_NAME: Final = 1_000


class LibraryService(library_pb2_grpc.LibraryServicer):
    """Tracks: look at them, correct them. Questions and translation run in the lane, never on the loop."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use_cases = use_cases

    async def ListTracks(
        self, request: library_pb2.ListTracksRequest, context: Context
    ) -> library_pb2.ListTracksResponse:
        """Return one page of the tracks that fit."""
        return await self._use_cases.lanes.quick(self._list_tracks, request)

    async def GetTrack(self, request: library_pb2.GetTrackRequest, context: Context) -> track_pb2.Track:
        """Return everything known of one track."""
        return await self._use_cases.lanes.quick(self._get_track, request)

    async def SetTrack(self, request: library_pb2.SetTrackRequest, context: Context) -> library_pb2.SetTrackResponse:
        """Record a person's word."""
        return await self._use_cases.lanes.quick(self._set_track, request)

    async def ListPlaylists(
        self, request: library_pb2.ListPlaylistsRequest, context: Context
    ) -> library_pb2.ListPlaylistsResponse:
        """Return all playlists and folders."""
        return await self._use_cases.lanes.slow(self._list_playlists, request)

    async def RenamePlaylist(
        self, request: library_pb2.RenamePlaylistRequest, context: Context
    ) -> library_pb2.ChangePlaylistResponse:
        """Give a playlist another name."""
        return await self._use_cases.lanes.quick(self._rename_playlist, request)

    async def DeletePlaylist(
        self, request: library_pb2.DeletePlaylistRequest, context: Context
    ) -> library_pb2.ChangePlaylistResponse:
        """Remove a playlist."""
        return await self._use_cases.lanes.quick(self._delete_playlist, request)

    def _list_tracks(self, request: library_pb2.ListTracksRequest) -> library_pb2.ListTracksResponse:
        question = library_pb2.ListTracksRequest(
            filter=request.filter, order=request.order, descending=request.descending
        )
        page = self._use_cases.library.list_tracks(
            TrackQuery(
                filter=track_filter(request.filter),
                order=choice("order", request.order, SortOrder, default=SortOrder.ARTIST),
                descending=request.descending,
                limit=limit("page_size", request.page_size, default=_PAGE, most=_LARGEST_PAGE),
                offset=page_offset(question, request.page_token),
            )
        )
        return library_pb2.ListTracksResponse(
            tracks=[summary_message(track) for track in page.items],
            next_page_token=page_token(question, page.next_offset),
            total=page.total,
        )

    def _get_track(self, request: library_pb2.GetTrackRequest) -> track_pb2.Track:
        return track_message(self._use_cases.library.track(reference("track", request.track)))

    def _set_track(self, request: library_pb2.SetTrackRequest) -> library_pb2.SetTrackResponse:
        track = reference("track", request.track)
        if not 0 < len(request.values) <= _VALUES:
            raise InvalidInputError(f"values: give 1 to {_VALUES} fields with their texts, not {len(request.values)}")
        values = {
            bounded("values", name, longest=80): bounded(name, value, longest=10_000)
            for name, value in request.values.items()
        }
        correction = self._use_cases.library.correct(track, values, who=user_name(), dry_run=request.dry_run)
        return library_pb2.SetTrackResponse(
            track=track_message(correction.track), changes=change_messages(correction.plan)
        )

    def _list_playlists(self, request: library_pb2.ListPlaylistsRequest) -> library_pb2.ListPlaylistsResponse:
        question = library_pb2.ListPlaylistsRequest()
        offset = page_offset(question, request.page_token)
        rest = self._use_cases.playlists.all()[offset:]
        sizes = accumulate(len(playlist.entries) + 1 for playlist in rest)
        fitting = max(sum(size <= _LIST_ENTRIES for size in sizes), 1)
        return library_pb2.ListPlaylistsResponse(
            playlists=[playlist_message(playlist) for playlist in rest[:fitting]],
            next_page_token=page_token(question, offset + fitting if fitting < len(rest) else None),
        )

    def _rename_playlist(self, request: library_pb2.RenamePlaylistRequest) -> library_pb2.ChangePlaylistResponse:
        playlist, name = reference("playlist", request.playlist), bounded("name", request.name, longest=_NAME)
        edit = self._use_cases.playlists.rename(playlist, name, who=user_name(), dry_run=request.dry_run)
        return library_pb2.ChangePlaylistResponse(changes=change_messages(edit.plan), plan_id=edit.plan_id)

    def _delete_playlist(self, request: library_pb2.DeletePlaylistRequest) -> library_pb2.ChangePlaylistResponse:
        playlist = reference("playlist", request.playlist)
        edit = self._use_cases.playlists.delete(playlist, who=user_name(), dry_run=request.dry_run)
        return library_pb2.ChangePlaylistResponse(changes=change_messages(edit.plan), plan_id=edit.plan_id)
