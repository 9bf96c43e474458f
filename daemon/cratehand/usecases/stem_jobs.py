"""Separations as durable work: asked for here, done one after the other by `StemQueue`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from cratehand.domain.errors import ConflictError, InvalidInputError, NotFoundError
from cratehand.domain.events import JobProgressed
from cratehand.domain.ids import JobId, TrackId
from cratehand.domain.job import Job, JobKind, Priority
from cratehand.domain.ports import Clock, ContentDigester
from cratehand.domain.stem import CachedStems, StemFile, StemFormat, StemOrder
from cratehand.domain.stores import Catalogue, IdSource, Stores
from cratehand.usecases.event_bus import Publish
from cratehand.usecases.library import resolve
from cratehand.usecases.stem_cache import StemCache

_ORDERS: Final = "stems.order."
"""What a job is to do stands in the state of the catalogue, under this and its id."""


class StemJobs:
    """Asks for stems, and says which are there."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        cache: Path,
        digester: ContentDigester,
        clock: Clock,
        new_id: IdSource,
        publish: Publish,
    ) -> None:
        self._catalogue = catalogue
        self._cache = StemCache(cache)
        self._digester = digester
        self._clock = clock
        self._new_id = new_id
        self._publish = publish

    def separate(self, reference: str, wish: StemOrder) -> Job:
        """Queue a separation; one of the same kind that waits or runs for this track is returned instead.

        Args:
            reference: Id or path of a track, or the absolute path of any audio file.
            wish: What is wanted; its `path` is not looked at.

        Raises:
            NotFoundError: No such track or file, or its file is not on this computer.
            InvalidInputError: The folder for the stems is not there.
            ConflictError: Other stems of this track are being made.
        """
        if wish.out and not Path(wish.out).is_dir():
            raise InvalidInputError(f"{wish.out} is no folder: make it first")
        if wish.format is not StemFormat.FLAC and not wish.out:
            raise InvalidInputError(f"without a folder the stems stay in the cache as flac; {wish.format} needs one")
        with self._catalogue.writing() as stores:
            track_id, path = named_file(stores, reference)
            order = replace(wish, path=str(path))
            job = self._queue(stores, track_id)
            known = order_of(stores, job.id)
            if known is not None and known != order:
                raise ConflictError(f"other stems of this track are being made by job {job.id}: wait, or cancel that")
            stores.state.set(_ORDERS + job.id, json.dumps(asdict(order)))
        self._publish(JobProgressed(job=job))
        return job

    def cached(self, reference: str) -> Sequence[CachedStems]:
        """Return the stems that are there of a track, or of any audio file by its absolute path.

        Raises:
            NotFoundError, CorruptFileError, UnavailableError: As `separate` and `ContentDigester.digest`.
        """
        with self._catalogue.reading() as stores:
            _, path = named_file(stores, reference)
        return self._cache.of(self._digester.digest(path))

    def written(self, reference: str, wish: StemOrder) -> list[StemFile]:
        """Return the files that a separation which is done wrote into its folder, one for each stem.

        Args:
            reference: As it was asked for.
            wish: What was asked for: a folder, and a format of one file a stem.

        Raises:
            NotFoundError: No such track, or no such files.
        """
        with self._catalogue.reading() as stores:
            _, path = named_file(stores, reference)
        choices = []
        for cached in self._cache.of(self._digester.digest(path)):
            names = [Path(wish.out) / f"{path.stem}.{stem.kind}{wish.format.ending}" for stem in cached.files]
            if names and all(name.is_file() for name in names):
                files = [replace(stem, path=str(name)) for stem, name in zip(cached.files, names, strict=True)]
                choices.append((min(name.stat().st_mtime_ns for name in names), files))
        if not choices:
            raise NotFoundError(f"the stems of {path.name} are not in {wish.out} any more: ask again")
        # Two models may have left theirs there: those that were written last are all of one hand.
        return max(choices, key=lambda choice: choice[0])[1]

    def _queue(self, stores: Stores, track_id: TrackId | None) -> Job:
        now_s = self._clock.now_s()
        if track_id is None:
            return stores.jobs.add(JobKind.STEMS, priority=Priority.INTERACTIVE, at_s=now_s, new_id=self._new_id)
        (job,) = stores.jobs.enqueue(
            JobKind.STEMS, [track_id], priority=Priority.INTERACTIVE, at_s=now_s, new_id=self._new_id
        )
        return job


def order_of(stores: Stores, job_id: JobId) -> StemOrder | None:
    """Return what a job is to do; None for one that is not known."""
    text = stores.state.get(_ORDERS + job_id)
    if text is None:
        return None
    told = json.loads(text)
    return StemOrder(path=told["path"], model=told["model"], out=told["out"], format=StemFormat(told["format"]))


def forget_order(stores: Stores, job_id: JobId) -> None:
    """Forget what a job was to do, once it has ended."""
    stores.state.set(_ORDERS + job_id, None)


def named_file(stores: Stores, reference: str) -> tuple[TrackId | None, Path]:
    """Return the track, where it is one, and the audio file that an id or path names.

    Raises:
        NotFoundError: No such track or file, or its file is not on this computer.
    """
    try:
        track = stores.tracks.get(track_id := resolve(stores, reference))
    except NotFoundError:
        path = Path(reference)
        if not path.is_absolute() or not path.is_file():
            raise
        return None, path
    if track is None or track.path is None or not track.path.is_file():
        raise NotFoundError(f"the file of track {track_id} is not on this computer")
    return track_id, track.path
