"""One row of the result: what was measured, on how many files, and what it should be."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tests.bench.truth.truth import Reading, Truth

Pair = tuple[Truth, Reading]


@dataclass(frozen=True, kw_only=True)
class Score:
    """One row: what was measured on how many files, and what it should be."""

    area: str
    what: str
    value: float | None
    """None where the analyser says nothing about it."""
    count: int
    aim: float | None = None
    at_most: bool = False
    unit: str = ""
    worst: list[str] = field(default_factory=list)
    """The worst files, one line each: what was said, what is true."""

    @property
    def reached(self) -> bool | None:
        """Whether the aim is reached; None without aim or value."""
        if self.value is None or self.aim is None:
            return None
        return self.value <= self.aim + 1e-9 if self.at_most else self.value >= self.aim - 1e-9


def share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def wrong(
    pairs: Iterable[Pair], is_right: Callable[[Pair], bool], word: Callable[[Pair], str], most: int = 40
) -> list[str]:
    return [f"{truth.name}: {word((truth, said))}" for truth, said in pairs if not is_right((truth, said))][:most]
