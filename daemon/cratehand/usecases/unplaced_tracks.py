"""Tracks that were analysed before a model was switched on are analysed again, in the background."""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from cratehand.domain.embedding import EmbeddingSpace
from cratehand.domain.events import JobProgressed
from cratehand.domain.ids import TrackId
from cratehand.domain.job import JobKind, Priority
from cratehand.domain.ports import Clock
from cratehand.domain.stores import Catalogue, IdSource
from cratehand.usecases.event_bus import Publish

logger = logging.getLogger(__name__)

_AT_ONCE: Final = 500
"""So many wait at most: whoever switches the model off again finds a queue that ends soon."""


class UnplacedTracks:
    """Queues the analysis of tracks that lack a vector in a space.

    A track is queued once in the life of this object: one in which nothing sounds will never have a vector.

    Args:
        catalogue: Where to look.
        spaces: Says in which spaces tracks are placed now.
        clock: Of the jobs.
        new_id: Of the jobs.
        publish: Told of the jobs.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        spaces: Callable[[], Sequence[EmbeddingSpace]],
        clock: Clock,
        new_id: IdSource,
        publish: Publish,
    ) -> None:
        self._catalogue = catalogue
        self._spaces = spaces
        self._clock = clock
        self._new_id = new_id
        self._publish = publish
        self._asked: set[TrackId] = set()

    def queue(self) -> int:
        """Queue the next of them; return how many."""
        spaces = self._spaces()
        if not spaces:
            return 0
        with self._catalogue.reading() as stores:
            counts = stores.jobs.counts(JobKind.ANALYSE)
            open_jobs = sum(count for state, count in counts.items() if not state.is_final)
            lacking = [track_id for space in spaces for track_id in stores.vectors.lacking(space)]
        room = max(0, _AT_ONCE - open_jobs)
        wanted = [track_id for track_id in dict.fromkeys(lacking) if track_id not in self._asked][:room]
        if not wanted:
            return 0
        with self._catalogue.writing() as stores:
            jobs = stores.jobs.enqueue(
                JobKind.ANALYSE, wanted, priority=Priority.BACKGROUND, at_s=self._clock.now_s(), new_id=self._new_id
            )
        self._asked.update(wanted)
        for job in jobs:
            self._publish(JobProgressed(job=job))
        names = " and ".join(space.model for space in spaces)
        logger.info("%d tracks have no place in %s yet and are analysed again", len(wanted), names)
        return len(wanted)
