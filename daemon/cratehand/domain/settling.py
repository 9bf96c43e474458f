"""What becomes of two changes to one thing that were made without knowing of each other.

The rule: what a person did beats what a machine did; then the newer beats the older, by hybrid logical time; at one
time the larger name of the device, so that everybody settles alike. A deletion gives way to any other change. Facts
need no settling: all are kept, and `cratehand.domain.belief` chooses among them by the same rule.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who changed something, and when."""

    stamp: int
    """Hybrid logical time, see `cratehand.domain.hybrid_clock`."""
    device: str
    by_person: bool = True

    def beats(self, other: "Claim") -> bool:
        """Whether this one wins."""
        mine, others = (self.by_person, self.stamp, self.device), (other.by_person, other.stamp, other.device)
        return mine > others


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The result for one row."""

    value: tuple[object, ...]
    lost: tuple[int, ...] = ()
    """Places of the fields on which both sides said something else."""


def settle_fields(
    base: Sequence[object] | None, mine: Sequence[object], theirs: Sequence[object], *, mine_wins: bool
) -> Settled:
    """Settle a row field by field.

    Args:
        base: What it was when both sides agreed last; None where they never did.
        mine: What it is here.
        theirs: What it is there; as long as `mine`.
        mine_wins: Who wins where both changed a field.
    """
    value: list[object] = []
    lost: list[int] = []
    for place, (here, there) in enumerate(zip(mine, theirs, strict=True)):
        before = base[place] if base is not None and place < len(base) else _NOTHING
        if here == there or there == before:
            value.append(here)
        elif here == before:
            value.append(there)
        else:
            value.append(here if mine_wins else there)
            lost.append(place)
    return Settled(value=tuple(value), lost=tuple(lost))


def settle_lists(base: Sequence[T] | None, mine: Sequence[T], theirs: Sequence[T], *, mine_wins: bool) -> list[T]:
    """Settle a list into which both sides may have put things, or taken some out.

    The winner's order stands. What only the other side put in follows what it followed there, what only the other side
    took out is taken out.

    Args:
        base: What it was when both sides agreed last; where that is not known nothing counts as taken out.
        mine: What it is here; a thing may occur more than once.
        theirs: What it is there.
        mine_wins: Whose order stands.
    """
    winner, loser = (mine, theirs) if mine_wins else (theirs, mine)
    winning, losing, before = _numbered(winner), _numbered(loser), set(_numbered(base or ()))
    taken_out = before - set(losing)
    result = [item for item in winning if item not in taken_out]
    known = set(winning)
    for place, item in enumerate(losing):
        if item in known or item in before:
            continue
        there = set(result)
        left = next((earlier for earlier in reversed(losing[:place]) if earlier in there), None)
        result.insert(0 if left is None else result.index(left) + 1, item)
    return [value for value, _ in result]


_NOTHING = object()


def _numbered(items: Sequence[T]) -> list[tuple[T, int]]:
    """Return each thing with how often it came before, which makes repeated ones different."""
    seen: Counter[T] = Counter()
    numbered: list[tuple[T, int]] = []
    for item in items:
        numbered.append((item, seen[item]))
        seen[item] += 1
    return numbered
