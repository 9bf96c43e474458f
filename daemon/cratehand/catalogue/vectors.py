"""Embeddings and nearest neighbours, exact, per space.

The bytes in `embeddings` are what lasts. Distances are computed over them by sqlite-vec where the connection has it,
else by numpy; both look at every vector, so neither can miss one. Where a `VectorMemory` is there it names those that
are worth comparing; how seldom it misses one is measured (`tests/bench/vector_search.py`).
"""

import heapq
import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Row, bindparam, delete, exists, func, literal_column, not_, select

from cratehand.catalogue import schema
from cratehand.catalogue.keys import chunks, find_key, id_of, keys_of
from cratehand.catalogue.matching import MatchingTracks
from cratehand.catalogue.tracks import require_track
from cratehand.catalogue.vector_column import array_of, has_pgvector, packed_of, write_vectors
from cratehand.catalogue.vector_memory import VectorMemory
from cratehand.domain.embedding import EmbeddingSpace, Neighbour, Vector
from cratehand.domain.errors import InvalidInputError, UnsupportedError
from cratehand.domain.ids import TrackId
from cratehand.domain.job import JobState
from cratehand.domain.track import Presence

_embeddings = schema.embeddings.c
_BATCH: Final = 8192
"""Vectors that numpy takes at a time: 16 MB at 512 dimensions."""

_AMONG: Final = 5000
_FEW: Final = 300
"""Up to so many vectors are read and compared as they are."""
_CANDIDATES: Final = 20
_CANDIDATES_EACH: Final = 3
"""So many codes are taken for exact comparison, and so many for each track that is wanted."""
_RANKED: Final = 4000
_ASKED: Final = 250
"""Of the nearest codes so many at most, and so many at first, are asked whether they pass a filter."""

_AGAIN: Final = 64
"""SQLite gives the number of a removed last row to the next one: the last few are told again."""

_FAR: Final = 1.0
"""Distance to or from a vector without length, as for one at a right angle."""

_LITTLE: Final = np.dtype("<f4")

# In plain words, and made once: putting statements together took longer than answering them.
_SPACE: Final = select(schema.spaces.c.space).where(schema.spaces.c.id == bindparam("id"))
_NEAREST: Final = "SELECT coalesce(vec_distance_cosine(vector, ?), ?) AS distance, track FROM embeddings WHERE"
# The plus keeps SQLite from walking the index of (space, track) and fetching each row on its own.
_NEAREST_OF_ALL: Final = f"{_NEAREST} +space = ? ORDER BY distance, track LIMIT ?"
_NAMED: Final = "space = ? AND track IN (SELECT value FROM json_each(?))"
_NEAREST_AMONG: Final = f"{_NEAREST} {_NAMED} ORDER BY distance, track LIMIT ?"

Candidate = tuple[float, int]


class SqlVectorStore:
    """`VectorStore` on a connection inside a transaction.

    Args:
        connection: Where to read and write.
        has_vec: Whether sqlite-vec is loaded into this connection.
        memory: Knows the vectors that others committed; None where nobody keeps them.
    """

    def __init__(self, connection: Connection, *, has_vec: bool, memory: VectorMemory | None = None) -> None:
        self._connection = connection
        self._has_vec = has_vec
        self._memory = memory

    def put(self, space: EmbeddingSpace, track_id: TrackId, vector: Vector) -> None:
        """Keep the vector of a track in a space, instead of the one before.

        Raises:
            NotFoundError: No such track.
            InvalidInputError: The vector is not of the space's dimension or not finite.
            UnsupportedError: The metric is not cosine.
        """
        packed = _packed(space, vector)
        key = require_track(self._connection, track_id)
        number = self._space(space)
        if number is None:
            inserted = schema.spaces.insert().values(id=space.id).returning(schema.spaces.c.space)
            number = int(self._connection.execute(inserted).scalar_one())
        self._connection.execute(delete(schema.embeddings).where(_embeddings.space == number, _embeddings.track == key))
        if has_pgvector(self._connection):
            write_vectors(self._connection, [(number, key, packed)])
            return
        self._connection.execute(schema.embeddings.insert().values(space=number, track=key, vector=packed))

    def remove(self, space: EmbeddingSpace, track_id: TrackId) -> None:
        key, number = find_key(track_id), self._space(space)
        if key is not None and number is not None:
            where = (_embeddings.space == number, _embeddings.track == key)
            self._connection.execute(delete(schema.embeddings).where(*where))

    def get(self, space: EmbeddingSpace, track_id: TrackId) -> Vector | None:
        key, number = find_key(track_id), self._space(space)
        if key is None or number is None:
            return None
        query = select(_embeddings.vector).where(_embeddings.space == number, _embeddings.track == key)
        raw = self._connection.execute(query).scalar()
        return None if raw is None else np.frombuffer(packed_of(raw), dtype=_LITTLE).astype(np.float32)

    def nearest(
        self, space: EmbeddingSpace, vector: Vector, *, limit: int, among: Sequence[TrackId] | None = None
    ) -> Sequence[Neighbour]:
        """Return the nearest tracks, nearest first, equal ones by id; raises like `put` for an unfit vector."""
        packed, number = _packed(space, vector), self._space(space)
        if number is None or limit <= 0:
            return []
        keys = self._worth_comparing(number, vector, limit, among)
        pieces: Sequence[Sequence[int] | None] = [None] if keys is None else list(chunks(sorted(keys), _AMONG))
        search = self._by_extension if self._has_vec else self._by_numpy
        if has_pgvector(self._connection):
            search = self._by_pgvector
        best = heapq.nsmallest(limit, (near for keys in pieces for near in search(number, packed, keys, limit)))
        return [Neighbour(track_id=id_of(key), distance=distance) for distance, key in best]

    def many(
        self, space: EmbeddingSpace, among: Sequence[TrackId] | None = None
    ) -> tuple[Sequence[TrackId], npt.NDArray[np.float32]]:
        number = self._space(space)
        if number is None:
            return [], np.zeros((0, space.dimension), dtype=np.float32)
        query = select(_embeddings.track, _embeddings.vector).where(_embeddings.space == number)
        if among is None:
            rows = list(self._connection.execute(query))
        else:
            pieces = chunks(keys_in(among) or [], _AMONG)
            rows = [
                row for keys in pieces for row in self._connection.execute(query.where(_embeddings.track.in_(keys)))
            ]
        packed = np.frombuffer(b"".join(row[1] for row in rows), dtype=_LITTLE)
        return [id_of(row[0]) for row in rows], packed.reshape(len(rows), space.dimension).astype(np.float32)

    def newer(self, space: EmbeddingSpace, mark: int) -> tuple[int, Sequence[TrackId], npt.NDArray[np.float32]]:
        number = self._space(space)
        if number is None:
            return 0, [], np.zeros((0, space.dimension), dtype=np.float32)
        # The plus: by number of the row, which is the order of time, not by space and track.
        in_space = literal_column("+embeddings.space") == bindparam("space", number)
        query = select(_embeddings.embedding, _embeddings.track, _embeddings.vector).where(
            in_space, _embeddings.embedding > mark - _AGAIN
        )
        rows = self._connection.execute(query.order_by(_embeddings.embedding)).all()
        packed = np.frombuffer(b"".join(packed_of(row[2]) for row in rows), dtype=_LITTLE)
        newest = rows[-1][0] if rows else 0
        return newest, [id_of(row[1]) for row in rows], packed.reshape(len(rows), space.dimension).astype(np.float32)

    def lacking(self, space: EmbeddingSpace) -> Sequence[TrackId]:
        tracks, jobs = schema.tracks.c, schema.jobs.c
        placed = exists().where(_embeddings.track == tracks.track, _embeddings.space == self._space(space))
        ended = [state.value for state in JobState if state.is_final]
        waiting = exists().where(jobs.track == tracks.track, jobs.state.not_in(ended))
        here = tracks.presence == Presence.PRESENT.value, tracks.path.is_not(None), tracks.analysed_at_s.is_not(None)
        query = select(tracks.track).where(*here, not_(placed), not_(waiting))
        return [id_of(key) for key in self._connection.scalars(query.order_by(tracks.added_at_s, tracks.track))]

    def count(self, space: EmbeddingSpace) -> int:
        number = self._space(space)
        query = select(func.count()).select_from(schema.embeddings).where(_embeddings.space == number)
        return 0 if number is None else int(self._connection.execute(query).scalar_one())

    def _space(self, space: EmbeddingSpace) -> int | None:
        return self._connection.execute(_SPACE, {"id": space.id}).scalar()

    def _worth_comparing(
        self, number: int, vector: Vector, limit: int, among: Sequence[TrackId] | None
    ) -> Collection[int] | None:
        """Return the tracks to compare: those that the memory names, else all that are asked for; None for all."""
        enough = _CANDIDATES + limit * _CANDIDATES_EACH
        if self._memory is not None and isinstance(among, MatchingTracks):
            passing = self._nearest_passing(self._memory, number, vector, among, enough)
            if passing is not None:
                return passing
        keys = keys_in(among)
        if self._memory is None or (keys is not None and len(keys) <= _FEW):
            return keys
        some = None if keys is None else np.asarray(keys, np.int64)
        found = self._memory.candidates(self._connection, number, vector, limit=enough, among=some)
        return keys if found is None else found

    def _nearest_passing(
        self, memory: VectorMemory, number: int, vector: Vector, among: MatchingTracks, enough: int
    ) -> list[int] | None:
        """Return the nearest that pass a filter; None where it is quicker, or only possible, to find all that do."""
        if among.listed is not None and len(among.listed) <= _FEW:
            return None
        only_here = bool(among.conditions.others)
        ranked = memory.candidates(
            self._connection,
            number,
            vector,
            limit=_RANKED if only_here else enough,
            among=among.listed,
            rules=among.conditions.rules,
        )
        if ranked is None or not only_here:
            return ranked
        return among.of(ranked) if len(ranked) <= enough else _passing(among, ranked, enough)

    def _by_extension(self, number: int, packed: bytes, keys: Sequence[int] | None, limit: int) -> list[Candidate]:
        among = () if keys is None else (json.dumps(list(keys)),)
        statement = _NEAREST_OF_ALL if keys is None else _NEAREST_AMONG
        rows = self._connection.exec_driver_sql(statement, (packed, _FAR, number, *among, limit))
        return [(float(row[0]), row[1]) for row in rows]

    def _by_pgvector(self, number: int, packed: bytes, keys: Sequence[int] | None, limit: int) -> list[Candidate]:
        # NaN is what the server says of a vector without length.
        distance = "coalesce(nullif(vector <=> %s, 'NaN'), %s)"
        among = "" if keys is None else "AND track = ANY(%s)"
        rows = self._connection.exec_driver_sql(
            f"SELECT {distance} AS distance, track FROM embeddings WHERE space = %s {among} "  # noqa: S608
            "ORDER BY 1, 2 LIMIT %s",
            (array_of(packed), _FAR, number, *(() if keys is None else (list(keys),)), limit),
        )
        return [(float(row[0]), row[1]) for row in rows]

    def _by_numpy(self, number: int, packed: bytes, keys: Sequence[int] | None, limit: int) -> Iterator[Candidate]:
        wanted = np.frombuffer(packed, dtype=_LITTLE)
        query = select(_embeddings.track, _embeddings.vector).where(_embeddings.space == number)
        if keys is not None:
            query = query.where(_embeddings.track.in_(keys))
        rows = self._connection.execute(query.execution_options(yield_per=_BATCH))
        for batch in rows.partitions():
            yield from _nearest_of(batch, wanted, limit)


def cosine_distances(vectors: npt.NDArray[np.float32], vector: Vector) -> npt.NDArray[np.float64]:
    """Return the cosine distance of each row to the vector: 0 (same way) ... 2 (opposite).

    Args:
        vectors: float32, shape ``(count, dimension)``.
        vector: float32, shape ``(dimension,)``.

    Returns:
        float64, shape ``(count,)``; 1 where one of the two has no length.
    """
    rows, wanted = vectors.astype(np.float64), vector.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(wanted)
    cosines: npt.NDArray[np.float64] = np.divide(rows @ wanted, lengths, out=np.zeros(len(rows)), where=lengths > 0)
    return 1.0 - cosines


def _nearest_of(batch: Sequence[Row[Any, Any]], wanted: Vector, limit: int) -> list[Candidate]:
    vectors = np.frombuffer(b"".join(row[1] for row in batch), dtype=_LITTLE).reshape(len(batch), -1)
    distances = cosine_distances(vectors, wanted)
    return heapq.nsmallest(limit, zip(distances.tolist(), (row[0] for row in batch), strict=True))


def _packed(space: EmbeddingSpace, vector: Vector) -> bytes:
    if space.metric != "cosine":
        raise UnsupportedError(f"the space {space.id} has a metric that the catalogue does not know; cosine it knows")
    if vector.shape != (space.dimension,):
        raise InvalidInputError(f"a vector of {space.id} has {space.dimension} numbers, not {vector.shape}")
    if not np.isfinite(vector).all():
        raise InvalidInputError(f"a vector of {space.id} has to be finite")
    return vector.astype(_LITTLE).tobytes()


def _passing(among: MatchingTracks, ranked: Sequence[int], enough: int) -> list[int] | None:
    """Return those of the nearest that pass a filter; None where it is too narrow to leave enough of them.

    A filter is seldom so narrow; and to ask a few tracks is quicker than to find all that pass.
    """
    passing: list[int] = []
    asked = 0
    while asked < len(ranked):
        # Twice as many each time: most filters are wide, and for a narrow one few statements are enough.
        piece = ranked[asked : asked + max(_ASKED, asked)]
        passing += among.of(piece)
        asked += len(piece)
        if len(passing) >= enough:
            return passing
        if len(passing) * len(ranked) < enough * asked / 2:
            break
    return None


def keys_in(among: Sequence[TrackId] | None) -> Sequence[int] | None:
    """Return the keys of tracks, ascending, each once."""
    if among is None:
        return None
    return among.keys if isinstance(among, MatchingTracks) else sorted(set(keys_of(among)))
