"""A catalogue of many tracks as Rekordbox and our analysis leave it, made in seconds: for the benchmark of the devices."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from cratehand.catalogue import SqliteCatalogue
from cratehand.catalogue.bulk import insert_rows
from cratehand.catalogue.keys import key_of
from cratehand.catalogue.schema import embeddings, spaces
from cratehand.domain.embedding import DSP_SPACE, TAG_SPACE, EmbeddingSpace, Vector
from cratehand.domain.ids import TrackId
from cratehand.domain.search import TrackFilter
from tests.bench.catalogue import SOURCE, ids, synthetic_collection

_CUES_PER_TRACK: Final = 4


def fill_many(catalogue: SqliteCatalogue, folder: Path, tracks: int) -> list[TrackId]:
    """Import that many tracks and give each what analysis gives it for search: its two vectors."""
    change = synthetic_collection(tracks, cues=tracks * _CUES_PER_TRACK, playlists=50)
    with catalogue.writing() as stores:
        stores.collection.apply(change, source=SOURCE, at_s=1e9, new_id=ids())
        found = list(stores.tracks.matching_ids(TrackFilter()))
    rng = np.random.default_rng(1)
    sound = rng.standard_normal((tracks, DSP_SPACE.dimension)).astype(np.float32)
    # Most tags are heard in few tracks, as MusiCNN hears them.
    heard = rng.beta(0.4, 8.0, (tracks, TAG_SPACE.dimension)).astype(np.float32)
    for space, vectors in ((DSP_SPACE, sound / np.linalg.norm(sound, axis=1, keepdims=True)), (TAG_SPACE, heard)):
        _put_many(catalogue, space, found, vectors)
    return found


def _put_many(catalogue: SqliteCatalogue, space: EmbeddingSpace, tracks: Sequence[TrackId], vectors: Vector) -> None:
    """Write what `VectorStore.put` writes, all at once: one after the other they take a minute."""
    with catalogue.writing() as stores:
        connection = stores.vectors._connection
        number = int(connection.execute(spaces.insert().values(id=space.id).returning(spaces.c.space)).scalar_one())
        rows = [
            (number, key_of(track), vector.astype("<f4").tobytes())
            for track, vector in zip(tracks, vectors, strict=True)
        ]
        insert_rows(connection, embeddings, ("space", "track", "vector"), rows)
