"""Vectors as bytes in memory: a quarter of the room of float32, and quick to compare.

A code is the vector scaled so that its largest number is 127, rounded, and the factor that turns the dot product with
another code into a cosine. That cosine is off by about 0.0005 at 512 numbers: whoever wants the ten nearest takes the
hundred nearest codes and compares those vectors themselves.
"""

from collections.abc import Iterator
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

_LEVELS: Final = 127
_BEYOND: Final = np.float32(1 << 16)
"""More than twice the product of a code with another of length 1, for up to 65,000 dimensions."""
_BLOCK: Final = 16_384
"""Vectors in one piece of memory: growing never copies what is there, and what is compared at a time stays small."""
_FETCHED: Final = 1_024
"""Codes that are fetched from here and there at a time."""


class _Block:
    """Room for `_BLOCK` vectors."""

    def __init__(self, dimension: int) -> None:
        self.codes: Bytes = np.zeros((_BLOCK, dimension), np.int8)
        self.factors: Floats = np.zeros(_BLOCK, np.float32)
        self.keys: Keys = np.zeros(_BLOCK, np.int64)
        self.order: npt.NDArray[np.uint16] = np.zeros(0, np.uint16)
        """Places in the order of their keys, of those that are taken."""

    def find(self, keys: Keys) -> Places:
        """Return where keys lie, -1 for those that are not here."""
        if not len(self.order):
            return np.full(len(keys), -1, np.intp)
        at = np.searchsorted(self.keys[: len(self.order)], keys, sorter=self.order.astype(np.intp))
        found = self.order[np.minimum(at, len(self.order) - 1)].astype(np.intp)
        return np.where(self.keys[found] == keys, found, -1)


class VectorCodes:
    """The codes of one space, each with its key in a place that stays what it is. Not safe for threads."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._blocks: list[_Block] = []
        self._count = 0

    @property
    def count(self) -> int:
        """How many vectors there are."""
        return self._count

    def put(self, keys: Keys, vectors: Floats) -> None:
        """Take vectors, float32 ``(count, dimension)``, in the place of older ones of the same keys; no key twice."""
        codes, factors = encode(vectors)
        places = self.places(keys)
        new = np.flatnonzero(places < 0)
        end = self._count + len(new)
        places[new] = np.arange(self._count, end)
        while len(self._blocks) * _BLOCK < end:
            self._blocks.append(_Block(self.dimension))
        for number in np.unique(places // _BLOCK).tolist():
            block, inside = self._blocks[number], np.flatnonzero(places // _BLOCK == number)
            rows = places[inside] % _BLOCK
            block.codes[rows], block.factors[rows], block.keys[rows] = codes[inside], factors[inside], keys[inside]
            taken = min(_BLOCK, end - number * _BLOCK)
            if taken > len(block.order):
                block.order = np.argsort(block.keys[:taken], kind="stable").astype(np.uint16)
        self._count = end

    def places(self, keys: Keys) -> Places:
        """Return where vectors lie, -1 for keys that are not here."""
        places = np.full(len(keys), -1, np.intp)
        for number, block in enumerate(self._blocks):
            found = block.find(keys)
            np.copyto(places, found + number * _BLOCK, where=found >= 0)
        return places

    def keys_at(self, places: Places) -> Keys:
        """Return the keys that lie in some places, ascending."""
        keys = np.zeros(len(places), np.int64)
        for block, part, rows in self._parts(places):
            keys[part] = block.keys[rows]
        return keys

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
        # To fetch more than half takes longer than to compare all as they lie.
        if fit is not None and 2 * np.count_nonzero(fit) < self._count:
            places = np.flatnonzero(fit)
            cosines = self._of_some(places, wanted)
            near = _near(cosines, limit)
            return _best(cosines[near], self.keys_at(places[near]), limit)
        cosines = self._of_all(wanted)
        if fit is not None:
            # By arithmetic: to choose number by number takes ten times as long.
            cosines += (fit.astype(np.float32) - 1) * _BEYOND
        near = _near(cosines, limit)
        near = near[cosines[near] > -_BEYOND / 2]
        return _best(cosines[near], self.keys_at(near), limit)

    def _of_all(self, wanted: Bytes) -> Floats:
        cosines = np.zeros(self._count, np.float32)
        for number, block in enumerate(self._blocks):
            part = cosines[number * _BLOCK : (number + 1) * _BLOCK]
            part[:] = _cosines(block.codes[: len(part)], block.factors[: len(part)], wanted)
        return cosines

    def _of_some(self, places: Places, wanted: Bytes) -> Floats:
        cosines = np.zeros(len(places), np.float32)
        # Used again and again: new memory of this size would be asked of the system each time.
        fetched = np.zeros((_FETCHED, self.dimension), np.int8)
        for block, part, rows in self._parts(places):
            # Without "clip" numpy would fetch into memory of its own first.
            codes = np.take(block.codes, rows, axis=0, out=fetched[: len(rows)], mode="clip")
            cosines[part] = _cosines(codes, block.factors[rows], wanted)
        return cosines

    def _parts(self, places: Places) -> Iterator[tuple[_Block, slice, Places]]:
        """Yield pieces of ascending places: the block, which of the places, and where they lie in the block."""
        ends = np.searchsorted(places, np.arange(len(self._blocks) + 1) * _BLOCK).tolist()
        for block, (start, end) in zip(self._blocks, pairwise(ends), strict=True):
            for at in range(start, end, _FETCHED):
                part = slice(at, min(at + _FETCHED, end))
                yield block, part, places[part] % _BLOCK


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


def _near(cosines: Floats, limit: int) -> Places:
    """Return where all are that are as near as the last of the best, so that equal ones are told apart by key."""
    if limit <= 0 or len(cosines) <= limit:
        return np.arange(len(cosines))
    return np.flatnonzero(cosines >= np.partition(cosines, -limit)[-limit])


def _best(cosines: Floats, keys: Keys, limit: int) -> list[int]:
    best: list[int] = keys[np.lexsort((keys, -cosines))][: max(limit, 0)].tolist()
    return best
