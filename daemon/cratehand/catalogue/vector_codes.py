"""Vectors as bytes in memory: a quarter of the room of float32, and quick to compare.

A code is the vector scaled so that its largest number is 127, rounded, and the factor that turns the dot product with
another code into a cosine. That cosine is off by about 0.0005 at 512 numbers: whoever wants the ten nearest takes the
hundred nearest codes and compares those vectors themselves.
"""

from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import simsimd

from cratehand.domain.embedding import Vector

Keys = npt.NDArray[np.int64]
Places = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.int8]
Fit = npt.NDArray[np.bool_]

LOWER_HALF: Final = 0xFFFF_FFFF
"""The bits of a key that `VectorCodes.key_sum` adds up: whole keys would overflow."""
_LEVELS: Final = 127
_BEYOND: Final = np.float32(1 << 16)
"""More than twice the product of a code with another of length 1, for up to 65,000 dimensions."""
_BLOCK: Final = 16_384
"""Vectors in one piece of memory: growing never copies what is there, and what is compared at a time stays small."""
_FETCHED: Final = 1_024
"""Codes that are fetched from here and there at a time."""
_TAIL: Final = 4_096
"""Keys that wait to be sorted among the others."""


class VectorCodes:
    """The codes of one space, by key. Not safe for threads."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._blocks: list[Bytes] = []
        self._factors: list[Floats] = []
        self._keys: Keys = np.zeros(0, np.int64)
        self._count = 0
        self._order: Places = np.zeros(0, np.intp)
        """Places in the order of their keys, of all but the tail."""
        self._tail: dict[int, int] = {}

    @property
    def count(self) -> int:
        """How many vectors there are."""
        return self._count

    @property
    def keys(self) -> Keys:
        """The keys, by place."""
        return self._keys[: self._count]

    @property
    def key_sum(self) -> int:
        """The sum of the lower halves of all keys: with the count it tells whether two sets of keys are one."""
        return int((self.keys & LOWER_HALF).sum())

    def put(self, keys: Keys, vectors: Floats) -> None:
        """Take vectors, float32 ``(count, dimension)``, in the place of older ones of the same keys; no key twice."""
        codes, factors = encode(vectors)
        places = self.places(keys)
        new = np.flatnonzero(places < 0)
        places[new] = np.arange(self._count, self._count + len(new))
        self._make_room(self._count + len(new))
        self._keys[self._count : self._count + len(new)] = keys[new]
        self._tail.update(zip(keys[new].tolist(), places[new].tolist(), strict=True))
        self._count += len(new)
        for block in np.unique(places // _BLOCK).tolist():
            inside = places // _BLOCK == block
            self._blocks[block][places[inside] % _BLOCK] = codes[inside]
            self._factors[block][places[inside] % _BLOCK] = factors[inside]
        if len(self._tail) > _TAIL:
            self._order = np.argsort(self._keys[: self._count], kind="stable")
            self._tail.clear()

    def places(self, keys: Keys) -> Places:
        """Return where vectors lie, -1 for keys that are not here. A place stays what it is."""
        places = np.full(len(keys), -1, np.intp)
        if sorted_count := len(self._order):
            at = np.searchsorted(self._keys[:sorted_count], keys, sorter=self._order)
            found = self._order[np.minimum(at, sorted_count - 1)]
            places = np.where(self._keys[found] == keys, found, places)
        if self._tail:
            for missing in np.flatnonzero(places < 0).tolist():
                places[missing] = self._tail.get(int(keys[missing]), -1)
        return places

    def at(self, keys: Keys) -> Fit:
        """Return of each place whether the key there is one of these."""
        places = self.places(keys)
        fit = np.zeros(self._count, np.bool_)
        fit[places[places >= 0]] = True
        return fit

    def nearest(self, vector: Vector, *, limit: int, fit: Fit | None = None) -> list[int]:
        """Return the keys of the vectors that point most nearly the same way by their codes, the nearest first.

        Args:
            vector: float32 ``(dimension,)``.
            limit: At most so many; of equally near ones the smaller keys.
            fit: Whether the vector of each place may be it, bool ``(count,)``; all where None.
        """
        wanted = encode(vector[np.newaxis])[0]
        if fit is not None and 2 * np.count_nonzero(fit) < self._count:
            places = np.flatnonzero(fit)
            return _best(self._at(places, wanted), self._keys[places], limit)
        # To fetch more than half takes longer than to compare all as they lie.
        cosines = np.concatenate([np.zeros(0, np.float32), *(self._of(block, wanted) for block in self._used())])
        if fit is not None:
            # By arithmetic: to choose number by number takes ten times as long.
            cosines += (fit.astype(np.float32) - 1) * _BEYOND
        return _best(cosines, self.keys, limit)

    def _used(self) -> range:
        return range(-(-self._count // _BLOCK))

    def _of(self, block: int, wanted: Bytes) -> Floats:
        held = min(_BLOCK, self._count - block * _BLOCK)
        return _cosines(self._blocks[block][:held], self._factors[block][:held], wanted)

    def _at(self, places: Places, wanted: Bytes) -> Floats:
        cosines = np.zeros(len(places), np.float32)
        # Used again and again: new memory of this size would be asked of the system each time.
        fetched = np.zeros((_FETCHED, self.dimension), np.int8)
        ends = np.searchsorted(places, np.arange(len(self._blocks) + 1) * _BLOCK).tolist()
        for block, (start, end) in enumerate(pairwise(ends)):
            for at in range(start, end, _FETCHED):
                rows = places[at : min(at + _FETCHED, end)] % _BLOCK
                # Without "clip" numpy would fetch into memory of its own first.
                codes = np.take(self._blocks[block], rows, axis=0, out=fetched[: len(rows)], mode="clip")
                cosines[at : at + len(rows)] = _cosines(codes, self._factors[block][rows], wanted)
        return cosines

    def _make_room(self, count: int) -> None:
        while len(self._blocks) * _BLOCK < count:
            self._blocks.append(np.zeros((_BLOCK, self.dimension), np.int8))
            self._factors.append(np.zeros(_BLOCK, np.float32))
        if len(self._keys) < count:
            room = np.zeros(max(count, len(self._keys) + _BLOCK) - len(self._keys), np.int64)
            self._keys = np.concatenate([self._keys, room])


def encode(vectors: Floats) -> tuple[Bytes, Floats]:
    """Return the codes of vectors, and the factor of each.

    Args:
        vectors: float32, shape ``(count, dimension)``, finite.

    Returns:
        int8 ``(count, dimension)``, and float32 ``(count,)``: 0 for a vector without length.
    """
    largest = np.abs(vectors).max(axis=1, initial=0.0)
    steps = np.divide(_LEVELS, largest, out=np.zeros(len(vectors), np.float32), where=largest > 0.0)
    codes = np.rint(vectors * steps[:, np.newaxis]).astype(np.int8)
    lengths = np.sqrt(np.einsum("ij,ij->i", codes, codes, dtype=np.float32))
    return codes, np.divide(1.0, lengths, out=np.zeros(len(vectors), np.float32), where=lengths > 0.0)


def _cosines(codes: Bytes, factors: Floats, wanted: Bytes) -> Floats:
    """Return cosines but for the length of what is wanted, which is one factor for all."""
    dots: Floats = np.asarray(simsimd.cdist(wanted, codes, "dot", out_dtype="float32"))
    return dots.reshape(-1) * factors


def _best(cosines: Floats, keys: Keys, limit: int) -> list[int]:
    if len(keys) > limit > 0:
        # All that are as near as the last of the best, so that equal ones are told apart by key.
        near = np.flatnonzero(cosines >= np.partition(cosines, -limit)[-limit])
        cosines, keys = cosines[near], keys[near]
    order = np.lexsort((keys, -cosines))[: max(limit, 0)]
    best: list[int] = keys[order[cosines[order] > -_BEYOND / 2]].tolist()
    return best
