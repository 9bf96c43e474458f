"""What each request of a device does."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from cratehand.domain.drum_pattern import STEPS_PER_QUARTER
from cratehand.domain.errors import InvalidInputError, NotFoundError, UnavailableError
from cratehand.domain.job import Job, JobState
from cratehand.servers.osc.addresses import Value
from cratehand.servers.osc.drum_clips import drums_result
from cratehand.servers.osc.results import (
    Result,
    job_row,
    matches_result,
    status_result,
    status_row,
    track_result,
)
from cratehand.servers.osc.sessions import Session
from cratehand.servers.wire_values import path_text
from cratehand.usecases.job_watch import watch_job
from cratehand.usecases.live_session import FindWish
from cratehand.usecases.use_cases import UseCases

EVENT_KINDS: Final = frozenset({"track", "tracks", "job", "jobs", "collection", "quiet"})
"""What a device can subscribe to: the last word of the event's address."""

_FOUND: Final = 20
_MOST: Final = 100
_LONGEST_SEARCH: Final = 1_000

Arguments = Mapping[str, Value]


class Requests:
    """Carries requests out; questions run in the lanes, never on the loop."""

    def __init__(self, use_cases: UseCases, *, tell_of_job: Callable[[Session, Job], None]) -> None:
        self._use_cases = use_cases
        self._tell_of_job = tell_of_job
        self._by_path: Mapping[str, Callable[[Session, int, Arguments], Awaitable[Result | None]]] = {
            "/cratehand/status": self._status,
            "/cratehand/search": self._search,
            "/cratehand/similar": self._similar,
            "/cratehand/find": self._find,
            "/cratehand/matching": self._matching,
            "/cratehand/drums": self._drums,
            "/cratehand/play": self._play,
            "/cratehand/silence": self._silence,
            "/cratehand/stems": self._stems,
            "/cratehand/cancel": self._cancel,
            "/cratehand/track": self._track,
            "/cratehand/analyse": self._analyse,
            "/cratehand/pause": self._pause,
            "/cratehand/resume": self._resume,
            "/cratehand/subscribe": self._subscribe,
            "/cratehand/resync": self._resync,
        }

    @property
    def paths(self) -> frozenset[str]:
        """The addresses that are answered here."""
        return frozenset(self._by_path)

    async def carry_out(self, path: str, session: Session, request: int, arguments: Arguments) -> Result | None:
        """Do what a request asks; return what it found, None where there is nothing to fetch.

        Raises:
            CratehandError: Told the device as an err.
        """
        return await self._by_path[path](session, request, arguments)

    async def _status(self, session: Session, request: int, arguments: Arguments) -> Result:
        return status_result(await self._use_cases.lanes.quick(self._use_cases.health.status))

    async def _search(self, session: Session, request: int, arguments: Arguments) -> Result:
        text, limit = str(arguments["text"]), _limit(arguments)
        if len(text) > _LONGEST_SEARCH:
            raise InvalidInputError(f"text has {len(text)} characters, at most {_LONGEST_SEARCH} are read")

        def find() -> Result:
            return matches_result(self._use_cases.text_search.search(text, limit=limit))

        return await self._use_cases.lanes.quick(find)

    async def _similar(self, session: Session, request: int, arguments: Arguments) -> Result:
        reference, limit = _reference(arguments), _limit(arguments)

        def find() -> Result:
            return matches_result(self._use_cases.similarity.similar(reference, limit=limit))

        return await self._use_cases.lanes.quick(find)

    async def _find(self, session: Session, request: int, arguments: Arguments) -> Result:
        text, limit = str(arguments["text"]), _limit(arguments)
        if len(text) > _LONGEST_SEARCH:
            raise InvalidInputError(f"text has {len(text)} characters, at most {_LONGEST_SEARCH} are read")
        bounds = float(arguments["tempo_from"]), float(arguments["tempo_to"])
        wish = FindWish(
            text=text,
            tempo_bpm=bounds if bounds[1] > 0 else None,
            key=str(arguments["key"]),
            with_neighbours=bool(arguments["mixes"]),
            energy_from=int(arguments["energy_from"]),
        )
        return await self._use_cases.lanes.quick(lambda: matches_result(self._use_cases.live.find(wish, limit=limit)))

    async def _matching(self, session: Session, request: int, arguments: Arguments) -> Result:
        tempo_bpm, key, limit = float(arguments["tempo"]), str(arguments["key"]), _limit(arguments)
        return await self._use_cases.lanes.quick(
            lambda: matches_result(self._use_cases.live.matching(tempo_bpm or None, key, limit=limit))
        )

    async def _drums(self, session: Session, request: int, arguments: Arguments) -> Result:
        notes = session.clip(int(arguments["clip"]))
        # The quick lane: a pattern takes a tenth of a second, and sweeps may hold the slow one.
        result, pattern = await self._use_cases.lanes.quick(drums_result, self._use_cases, arguments, notes)
        session.keep_pattern(request, pattern)
        return result

    async def _play(self, session: Session, request: int, arguments: Arguments) -> None:
        pattern = session.patterns.get(int(arguments["drums"]))
        if pattern is None:
            raise NotFoundError("that pattern is not here any more: generate it again")
        notes = self._use_cases.drums.notes(pattern)
        await self._use_cases.playback.play(
            notes, length_beats=pattern.steps / STEPS_PER_QUARTER, tempo_bpm=float(arguments["tempo"])
        )

    async def _silence(self, session: Session, request: int, arguments: Arguments) -> None:
        await self._use_cases.playback.silence()

    async def _stems(self, session: Session, request: int, arguments: Arguments) -> Result:
        use, reference = self._use_cases, _reference(arguments)
        wish = await use.lanes.quick(use.live.stems_wish, reference)
        job = await use.lanes.quick(use.stems.separate, reference, wish)
        session.follow_job(job.id, request)
        self._tell_of_job(session, job)
        # The job goes on without us: where the device or we end, the same request finds it again.
        async for newer in watch_job(job.id, jobs=use.jobs, bus=use.bus, lanes=use.lanes):
            job = newer
        if job.state is not JobState.DONE:
            raise UnavailableError(job.error or "the separation was cancelled; asked for again it goes on from there")
        stems = await use.lanes.slow(use.stems.written, reference, wish)
        items = [{"kind": stem.kind.value, "path": path_text(stem.path)} for stem in stems]
        return Result(content={"kind": "stems", "items": items}, count=len(items))

    async def _cancel(self, session: Session, request: int, arguments: Arguments) -> None:
        job_id = session.job_of_request(begun_by := int(arguments["begun_by"]))
        if job_id is None:
            raise NotFoundError(f"request {begun_by} began no job that is still known")
        await self._use_cases.lanes.quick(self._use_cases.jobs.cancel, job_id)

    async def _track(self, session: Session, request: int, arguments: Arguments) -> Result:
        detail = await self._use_cases.lanes.quick(self._use_cases.library.track, _reference(arguments))
        session.follow_track(detail.track.id, request)
        return await self._use_cases.lanes.quick(track_result, detail)

    async def _analyse(self, session: Session, request: int, arguments: Arguments) -> None:
        job = await self._use_cases.lanes.quick(self._use_cases.jobs.analyse, _reference(arguments))
        session.follow_job(job.id, request)
        if job.track_id is not None:
            session.follow_track(job.track_id, request)
        self._tell_of_job(session, job)

    async def _pause(self, session: Session, request: int, arguments: Arguments) -> None:
        await self._use_cases.lanes.quick(self._use_cases.quiet.pause)
        await self._silence_changed()

    async def _resume(self, session: Session, request: int, arguments: Arguments) -> None:
        await self._use_cases.lanes.quick(self._use_cases.quiet.resume)
        await self._silence_changed()

    async def _silence_changed(self) -> None:
        # Asking for the reason is what tells everybody of a change.
        await self._use_cases.lanes.quick(self._use_cases.quiet.reason)
        self._use_cases.wake_background()

    async def _subscribe(self, session: Session, request: int, arguments: Arguments) -> None:
        words = str(arguments["events"]).replace(",", " ").split()
        unknown = [word for word in words if word not in EVENT_KINDS and word != "all"]
        if unknown:
            raise InvalidInputError(f"{unknown[0][:40]!r} is no kind of event: {' '.join(sorted(EVENT_KINDS))}, or all")
        session.wanted = EVENT_KINDS if "all" in words else frozenset(words)
        session.pending.clear()

    async def _resync(self, session: Session, request: int, arguments: Arguments) -> Result:
        followed = session.followed_jobs

        def look() -> Result:
            jobs = []
            for job_id, begun_by in followed.items():
                try:
                    jobs.append(job_row(self._use_cases.jobs.get(job_id), request=begun_by))
                except NotFoundError:
                    # Long ended and forgotten.
                    continue
            status = status_row(self._use_cases.health.status())
            return Result(content={"kind": "state", "sequence": sequence, "status": status, "followed": jobs})

        sequence = session.sequence
        return await self._use_cases.lanes.quick(look)


def _reference(arguments: Arguments) -> str:
    track = str(arguments["track"])
    if not track.strip():
        raise InvalidInputError("track is empty: give a track id, the beginning of one, or a path")
    return track


def _limit(arguments: Arguments) -> int:
    limit = int(arguments.get("limit", _FOUND))
    if limit < 1:
        raise InvalidInputError(f"limit: {limit} is below 1")
    return min(limit, _MOST)
