"""Places worth a cue, each with the reason in words."""

import itertools
from typing import Final

from cratehand.domain.beatgrid import BeatGrid
from cratehand.domain.cue import SuggestedCue, SuggestedCueKind
from cratehand.domain.structure import Section, SectionLabel

_LOOP_BARS: Final = 4
_MOST_DROPS: Final = 2
_MIX_OUT_BARS: Final = 16


def suggest_cues(grid: BeatGrid, sections: tuple[Section, ...], *, duration_s: float) -> tuple[SuggestedCue, ...]:
    """Suggest where to mix in, the drops, the break, where to mix out and a loop to do it over, in order of time."""
    downbeats_s = [time_s for time_s, beat in grid.beats(until_s=duration_s) if beat == 1]
    if len(downbeats_s) < 2 * _LOOP_BARS or not sections:
        return ()
    cues = [_mix_in(downbeats_s), *_drops(sections, downbeats_s), *_break(sections), *_outs(sections, downbeats_s)]
    return tuple(sorted(cues, key=lambda cue: (cue.start_s, cue.kind)))


def _mix_in(downbeats_s: list[float]) -> SuggestedCue:
    return SuggestedCue(kind=SuggestedCueKind.MIX_IN, start_s=downbeats_s[0], reason="first downbeat of the track")


def _bars(downbeats_s: list[float], start_s: float, end_s: float) -> int:
    return sum(start_s - 0.05 <= time_s < end_s - 0.05 for time_s in downbeats_s)


def _drops(sections: tuple[Section, ...], downbeats_s: list[float]) -> list[SuggestedCue]:
    found: list[SuggestedCue] = []
    previous: Section | None = None
    for section in sections:
        if (
            section.label is SectionLabel.DROP
            and (previous is None or previous.label is not SectionLabel.DROP)
            and len(found) < _MOST_DROPS
        ):
            length = _bars(downbeats_s, section.start_s, section.end_s)
            after = f" after the {previous.label}" if previous is not None else ""
            found.append(
                SuggestedCue(
                    kind=SuggestedCueKind.DROP,
                    start_s=section.start_s if previous is not None else downbeats_s[0],
                    reason=f"kick and bass come in full{after}, for {length} bars",
                )
            )
        previous = section
    return found


def _break(sections: tuple[Section, ...]) -> list[SuggestedCue]:
    for before, section in itertools.pairwise(sections):
        if section.label is SectionLabel.BREAK:
            reason = f"kick and bass drop out after the {before.label}"
            return [SuggestedCue(kind=SuggestedCueKind.BREAK, start_s=section.start_s, reason=reason)]
    return []


def _outs(sections: tuple[Section, ...], downbeats_s: list[float]) -> list[SuggestedCue]:
    last = sections[-1]
    # A few bars of echo are no outro to mix over.
    if last.label is SectionLabel.OUTRO and _bars(downbeats_s, last.start_s, last.end_s) >= _LOOP_BARS:
        start_s, why = last.start_s, "the outro begins"
    else:
        bars = min(_MIX_OUT_BARS, len(downbeats_s) // 2)
        start_s, why = downbeats_s[-bars], f"the last {bars} bars begin; no outro long enough was found"
    place = min(range(len(downbeats_s)), key=lambda index: abs(downbeats_s[index] - start_s))
    cues = [SuggestedCue(kind=SuggestedCueKind.MIX_OUT, start_s=downbeats_s[place], reason=why)]
    if place + _LOOP_BARS < len(downbeats_s):
        cues.append(
            SuggestedCue(
                kind=SuggestedCueKind.LOOP_OUT,
                start_s=downbeats_s[place],
                end_s=downbeats_s[place + _LOOP_BARS],
                reason=f"{_LOOP_BARS} bars from there, to hold while the next track comes in",
            )
        )
    return cues
