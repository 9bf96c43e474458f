"""How well vectors find what belongs together."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def first_is_right(one: Floats, other: Floats) -> npt.NDArray[np.bool_]:
    """Return for each query whether the nearest of the gallery is its own other half.

    Args:
        one: One half of each track, ``(tracks, dimension)``.
        other: The other half.

    Returns:
        ``(2 * tracks,)``: the first halves asked among the second ones, then the other way round.
    """
    likeness = unit(one) @ unit(other).T
    own = np.arange(len(one))
    return np.concatenate([likeness.argmax(axis=1) == own, likeness.argmax(axis=0) == own])


def precision(vectors: Floats, names: npt.NDArray[np.str_], *, nearest: int = 5) -> tuple[float, float]:
    """Return the share of the nearest tracks that bear the same name, and what chance would give.

    Args:
        vectors: One a track, ``(tracks, dimension)``.
        names: Of the artist or playlist; empty ones and those of one track alone do not ask.
        nearest: So many are looked at.
    """
    likeness = unit(vectors) @ unit(vectors).T
    np.fill_diagonal(likeness, -np.inf)
    same = (names[:, np.newaxis] == names) & (names != "")
    np.fill_diagonal(same, val=False)
    asks = np.flatnonzero(same.any(axis=1))
    if asks.size == 0:
        return float("nan"), float("nan")
    found = np.argsort(-likeness[asks], axis=1)[:, :nearest]
    hit = np.take_along_axis(same[asks], found, axis=1).mean()
    return float(hit), float(same[asks].sum(axis=1).mean() / (len(names) - 1))


def unit(vectors: Floats) -> Floats:
    """Return the vectors at unit length."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))
