"""The rows of one read → the change that the port promises."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from cratehand.domain.collection import CollectionChange
from cratehand.domain.ids import ForeignId
from cratehand_bridges.rekordbox.cues import parse_cues
from cratehand_bridges.rekordbox.harvest import Harvest
from cratehand_bridges.rekordbox.parse import (
    FOLDER_PATH,
    Surroundings,
    is_sample,
    parse_last_played,
    parse_lookups,
    parse_tags,
    parse_tracks,
)
from cratehand_bridges.rekordbox.playlists import parse_playlists
from cratehand_bridges.rekordbox.rows import CONTENT, CUE, ID, SONG_HISTORY, SONG_MY_TAG, live


def assemble(harvest: Harvest, mark: Mapping[str, object]) -> CollectionChange:
    """Turn rows into domain objects.

    Args:
        harvest: What was read.
        mark: Goes into the change as it is.
    """
    rows = harvest.rows
    tracks = []
    if rows[CONTENT]:
        with _collector_at_rest():
            lookups = parse_lookups(rows)
            around = Surroundings(
                lookups=lookups,
                cues=parse_cues(rows[CUE]),
                tags=parse_tags(rows[SONG_MY_TAG], lookups.tags),
                last_played_s=parse_last_played(rows[SONG_HISTORY]),
            )
            tracks = parse_tracks(rows[CONTENT], around)
    # A track whose file moved into the sampler's folder is one no more.
    samples = [row[ID] for row in live(rows[CONTENT]) if is_sample(row[FOLDER_PATH])] if not harvest.full else []
    return CollectionChange(
        full=harvest.full,
        tracks=tracks,
        deleted_tracks=[ForeignId(track) for track in (*harvest.deleted, *samples)],
        playlists=parse_playlists(rows, _known_tracks(harvest)) if harvest.lists_changed else None,
        mark=mark,
    )


def _known_tracks(harvest: Harvest) -> frozenset[str]:
    return frozenset(track for track, path in harvest.tracks if not is_sample(path))


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Keep the garbage collector from looking through half a million new objects again and again while they grow."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
