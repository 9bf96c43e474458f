"""Rows of stability: what is said of a recording must not depend on its gain or codec. Pure."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from tests.bench.truth.rows import Pair, Score, share
from tests.bench.truth.truth import Reading

RANGES: Final = {
    "energy": (1.0, 10.0), "danceability": (0.0, 1.0), "valence": (0.0, 1.0), "arousal": (0.0, 1.0),
    "acousticness": (0.0, 1.0), "instrumentalness": (0.0, 1.0), "speechiness": (0.0, 1.0), "liveness": (0.0, 1.0),
}  # fmt: skip
STEADY: Final = 0.02
SAME_GRID_MS: Final = 1.0


def variant_scores(pairs: Sequence[Pair]) -> list[Score]:
    """Score features, tempo, key and grid of each variant against its base."""
    some = [pair for pair in pairs if pair[0].set == "variants"]
    bases = {truth.base: said for truth, said in some if truth.group == "base" and truth.base}
    variants = [pair for pair in some if pair[0].group != "base" and pair[0].base in bases]
    if not variants:
        return []
    scores = [_feature_score(name, variants, bases) for name in RANGES]
    scores += [_same_score(name, variants, bases) for name in ("tempo_bpm", "key")]
    return scores + _grid_scores(variants, bases)


def _feature_score(name: str, variants: Sequence[Pair], bases: dict[str, Reading]) -> Score:
    low, high = RANGES[name]
    moves = []
    for truth, said in variants:
        base = bases[truth.base or ""].features
        if name in said.features and name in base:
            word = f"{truth.name} ({truth.group}): {said.features[name]:.3g}, base {base[name]:.3g}"
            moves.append((abs(said.features[name] - base[name]) / (high - low), word))
    return Score(
        area="stability",
        what=f"{name} within 2 % of its range",
        value=share([move <= STEADY + 1e-9 for move, _ in moves]),
        count=len(moves),
        aim=1.0,
        worst=[word for move, word in sorted(moves, reverse=True) if move > STEADY][:12],
    )


def _is_same(said: object, base: object) -> bool:
    if isinstance(said, float) and isinstance(base, float):
        # Tempi are said to two decimals; the last may round either way.
        return abs(said - base) < 0.015
    return said == base


def _same_score(name: str, variants: Sequence[Pair], bases: dict[str, Reading]) -> Score:
    rows = [(truth, getattr(said, name), getattr(bases[truth.base or ""], name)) for truth, said in variants]
    words = [
        f"{truth.name} ({truth.group}): {said}, base {base}" for truth, said, base in rows if not _is_same(said, base)
    ]
    same = share([_is_same(said, base) for _, said, base in rows])
    return Score(area="stability", what=f"same {name}", value=same, count=len(rows), worst=words[:12])


def _grid_scores(variants: Sequence[Pair], bases: dict[str, Reading]) -> list[Score]:
    scores = []
    for group in dict.fromkeys(truth.group for truth, _ in variants):
        shifts = [
            (grid_shift_ms(bases[truth.base or ""], said, offset_s=truth.offset_s), truth)
            for truth, said in variants
            if truth.group == group
        ]
        known = [(shift, truth) for shift, truth in shifts if shift is not None]
        near = sum(abs(shift) <= SAME_GRID_MS for shift, _ in known)
        words = [
            f"{truth.name}: {shift:+.2f} ms (sound lies {1000 * truth.offset_s:+.2f} ms)"
            for shift, truth in known
            if abs(shift) > SAME_GRID_MS
        ]
        part = near / len(shifts) if known else None
        scores.append(
            Score(
                area="stability",
                what=f"same grid within 1 ms, {group}",
                value=part,
                count=len(shifts),
                aim=1.0,
                worst=words[:12],
            )
        )
    return scores


def grid_shift_ms(base: Reading, said: Reading, *, offset_s: float) -> float | None:
    """Return how much later the beats lie than those of the base, after the offset of the sound itself was taken off.

    The median over all beats of the distance to the nearest beat of the base; None without beats.
    """
    if not base.beats_s or not said.beats_s or len(base.beats_s) < 4 or len(said.beats_s) < 4:
        return None
    true = np.asarray(base.beats_s)
    beats = np.asarray(said.beats_s) - offset_s
    after = np.clip(np.searchsorted(true, beats), 1, true.size - 1)
    distance = np.where(beats - true[after - 1] < true[after] - beats, beats - true[after - 1], beats - true[after])
    return float(1_000.0 * np.median(distance))
