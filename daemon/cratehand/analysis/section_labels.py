"""What each section of a track does: intro, verse, build, drop, break or outro."""

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.builds import swell
from cratehand.domain.structure import SectionLabel

_FULL: Final = 0.85
_FULL_LOW: Final = 0.5
_EMPTY: Final = 0.45
_RISE: Final = 0.08
"""Growth of the upper bands over a section, as a share of their level, that makes it a build."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionTraits:
    """What is measured of one section.

    Attributes:
        power: Loudness of all bands, 0 (emptiest section) ... 1 (fullest of those with kick and bass) and above.
        low: Kick and bass, likewise.
        rise: Growth of snares and hiss from the section's first to its last quarter, see `cratehand.analysis.builds`.
        bars: Length.
    """

    power: float
    low: float
    rise: float
    bars: int

    @property
    def is_full(self) -> bool:
        """Whether the section is among the fullest of the track: everything plays, kick and bass too."""
        return self.power >= _FULL and self.low >= _FULL_LOW


def traits(levels: Floats, treble: Floats, low: Floats, bounds: npt.NDArray[np.intp]) -> tuple[SectionTraits, ...]:
    """Measure the sections between `bounds` (bars, first 0, last the number of bars).

    Args:
        levels: ``(bars, bands)`` mean levels.
        treble: Level and strikes of snares and hiss, ``(bars,)``.
        low: Kick and bass, ``(bars,)``.
        bounds: Ascending bar indices.
    """
    power = levels.sum(axis=1)
    spans = list(itertools.pairwise(bounds))
    powers = np.array([power[first:last].mean() for first, last in spans])
    lows = _relative(np.array([low[first:last].mean() for first, last in spans]))
    # Hiss that swells makes a build louder than the drop after it: what is full is what is full with kick and bass.
    grounded = powers[lows >= _FULL_LOW]
    powers = _relative(powers, top=float(grounded.max()))
    return tuple(
        SectionTraits(
            power=float(powers[index]), low=float(lows[index]), rise=swell(treble[first:last]), bars=int(last - first)
        )
        for index, (first, last) in enumerate(spans)
    )


def _relative(values: Floats, *, top: float | None = None) -> Floats:
    """Scale to 0 ... 1 (at the highest, or `top`), without blowing up a track that is the same throughout."""
    top = float(values.max()) if top is None else top
    spread = max(top - float(values.min()), 0.15 * top, 1e-9)
    return np.asarray(1.0 - (top - values) / spread)


def label_sections(sections: tuple[SectionTraits, ...]) -> tuple[SectionLabel, ...]:
    """Name the sections in their order."""
    count = len(sections)
    labels: list[SectionLabel] = []
    for index, section in enumerate(sections):
        before = sections[index - 1] if index else None
        after = sections[index + 1] if index + 1 < count else None
        labels.append(_label(section, before, after, labels[-1] if labels else None))
    if count > 1:
        _name_ends(sections, labels)
    return tuple(labels)


def _label(
    section: SectionTraits, before: SectionTraits | None, after: SectionTraits | None, last: SectionLabel | None
) -> SectionLabel:
    if section.is_full:
        lifted = before is None or not before.is_full or last is SectionLabel.DROP
        return SectionLabel.DROP if lifted else SectionLabel.VERSE
    leads_up = after is not None and after.low - section.low > 0.2
    if leads_up and section.rise > _RISE:
        return SectionLabel.BUILD
    return SectionLabel.BREAK if section.low < _EMPTY else SectionLabel.VERSE


def _name_ends(sections: tuple[SectionTraits, ...], labels: list[SectionLabel]) -> None:
    """Call a first section that is not full an intro and a last one that is not an outro."""
    if not sections[0].is_full:
        labels[0] = SectionLabel.INTRO
    if not sections[-1].is_full:
        labels[-1] = SectionLabel.OUTRO
