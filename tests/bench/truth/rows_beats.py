"""Rows of tempo, beats, downbeats and grid, from the readings of any analyser. Pure."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from tests.bench.truth.rows import Pair, Score, mean, share, wrong
from tests.bench.truth.score_tempo import (
    beat_readings,
    f_measure,
    grid_errors_ms,
    tempo_exact,
    tempo_octave_free,
    tempo_within,
)
from tests.bench.truth.truth import Truth

GRID_MS: Final = 10.0


def tempo_scores(pairs: Sequence[Pair]) -> list[Score]:
    """Score tempo on constant music with a truth, grid errors, and beats."""
    shared = [pair for pair in pairs if pair[0].set == "shared"]
    constant = [
        pair
        for pair in pairs
        if pair[0].constant and pair[0].tempo_bpm and _is_tempo_music(pair[0]) and pair not in shared
    ]
    scores = []
    for name, some, aim in (("shared tracks", shared, 7 / 8), ("synthesised", constant, 0.95)):
        if not some:
            continue
        word = _tempo_word
        scores += [
            Score(
                area="tempo", what=f"exact (0.05 BPM), {name}", value=share([is_exact(pair) for pair in some]),
                count=len(some), aim=aim, worst=wrong(some, is_exact, word),
            ),
            Score(
                area="tempo", what=f"octave-free, {name}", value=share([_octave_free(pair) for pair in some]),
                count=len(some), aim=1.0, worst=wrong(some, _octave_free, word),
            ),
            Score(
                area="tempo", what=f"within 4 %, {name}",
                value=share([tempo_within(b.tempo_bpm, a.tempo_bpm or 0.0, a.also_right_bpm) for a, b in some]), count=len(some),
            ),
        ]  # fmt: skip
    groups = sorted({pair[0].group for pair in constant})
    for group in groups:
        some = [pair for pair in constant if pair[0].group == group]
        scores.append(
            Score(area="tempo by group", what=group, value=share([is_exact(pair) for pair in some]), count=len(some))
        )
    return scores


def _is_tempo_music(truth: Truth) -> bool:
    return truth.set in ("tempo", "arrangements", "key") and truth.group not in ("seven", "live", "ramp")


def is_exact(pair: Pair) -> bool:
    truth, said = pair
    return tempo_exact(said.tempo_bpm, truth.tempo_bpm or 0.0, truth.also_right_bpm)


def _octave_free(pair: Pair) -> bool:
    return tempo_octave_free(pair[1].tempo_bpm, pair[0].tempo_bpm or 1.0)


def _tempo_word(pair: Pair) -> str:
    truth, said = pair
    also = f" or {truth.also_right_bpm:g}" if truth.also_right_bpm else ""
    doubt = "" if said.tempo_confidence is None else f" ({said.tempo_confidence:.2f})"
    return f"said {said.tempo_bpm}{doubt}, is {truth.tempo_bpm:g}{also}"


def beat_scores(pairs: Sequence[Pair]) -> list[Score]:
    """Score beats, downbeats and the grid in the first and last minute."""
    some = [pair for pair in pairs if pair[0].beats_s and pair[0].set in ("tempo", "arrangements", "shared")]
    told = [pair for pair in some if pair[1].beats_s is not None]
    if not told:
        return []
    scores = []
    beats = {id(pair[1]): best_beat_f(pair) for pair in some}
    downbeats = {id(pair[1]): best_downbeat_f(pair) for pair in some}
    for name, group in _beat_groups(some).items():
        f_beats = [beats[id(said)] for _, said in group]
        aims = (0.97, 0.90) if name == "all" else (None, None)
        ordered = sorted(group, key=lambda pair: beats[id(pair[1])])
        scores.append(
            Score(
                area="beats",
                what=f"beat F 70 ms, {name}",
                value=mean(f_beats),
                count=len(group),
                aim=aims[0],
                worst=[
                    f"{a.name}: {beats[id(b)]:.2f}, {_tempo_word((a, b))}" for a, b in ordered if beats[id(b)] < 0.97
                ][:25],
            )  # fmt: skip
        )
        if any(said.downbeats_s is not None for _, said in group):
            f_down = [downbeats[id(said)] for _, said in group]
            ordered = sorted(group, key=lambda pair: downbeats[id(pair[1])])
            scores.append(
                Score(
                    area="beats",
                    what=f"downbeat F, {name}",
                    value=mean(f_down),
                    count=len(group),
                    aim=aims[1],
                    worst=[f"{a.name}: {downbeats[id(b)]:.2f}" for a, b in ordered if downbeats[id(b)] < 0.9][:25],
                )  # fmt: skip
            )
    return scores + _grid_scores(some)


def _beat_groups(pairs: Sequence[Pair]) -> Mapping[str, list[Pair]]:
    groups: dict[str, list[Pair]] = {"all": [pair for pair in pairs if pair[0].group != "seven"]}
    for pair in pairs:
        name = {"arrangements": "arrangements", "shared": "shared tracks"}.get(pair[0].set, pair[0].group)
        groups.setdefault(name, []).append(pair)
    return groups


def best_beat_f(pair: Pair) -> float:
    """Return the beat F-measure against the best right reading."""
    return max(f_measure(pair[1].beats_s or [], beats) for beats, _ in _readings(pair[0]))


def best_downbeat_f(pair: Pair) -> float:
    """Return the downbeat F-measure against the best right reading."""
    return max(f_measure(pair[1].downbeats_s or [], downbeats) for _, downbeats in _readings(pair[0]))


def _readings(truth: Truth) -> list[tuple[list[float], list[float]]]:
    factor = round(truth.also_right_bpm / truth.tempo_bpm, 3) if truth.also_right_bpm and truth.tempo_bpm else None
    return beat_readings(truth.beats_s, truth.downbeats_s, factor)


def _grid_scores(pairs: Sequence[Pair]) -> list[Score]:
    kinds = {
        "constant": [pair for pair in pairs if pair[0].constant and pair[0].group != "seven"],
        "jumps": [pair for pair in pairs if pair[0].group == "jump"],
        "ramps": [pair for pair in pairs if pair[0].group == "ramp"],
        "live": [pair for pair in pairs if pair[0].group == "live"],
    }
    kinds = {"all but live": [*kinds["constant"], *kinds["jumps"], *kinds["ramps"]], **kinds}
    scores = [score for name, some in kinds.items() if some for score in _grid_scores_of(name, some)]
    constant = [said.grid_pieces == 1 for _, said in kinds["constant"] if said.grid_pieces is not None]
    if constant:
        one = share(constant)
        scores.append(Score(area="grid", what="one piece for constant tempo", value=one, count=len(constant)))
    return scores


def _grid_scores_of(name: str, some: Sequence[Pair]) -> list[Score]:
    errors = [(grid_error_ms(pair), pair) for pair in some]
    worst = sorted(errors, key=lambda error: -error[0])
    words = [f"{a.name}: {error:.1f} ms, {b.grid_pieces} pieces" for error, (a, b) in worst if error > GRID_MS]
    return [
        Score(
            area="grid",
            what=f"first and last minute within 10 ms, {name}",
            value=share([error <= GRID_MS for error, _ in errors]),
            count=len(some),
            aim=0.95 if name == "all but live" else None,
            worst=words[:30],
        ),
        Score(
            area="grid",
            what=f"median error, {name}",
            value=median(error for error, _ in errors),
            count=len(some),
            unit="ms",
        ),
    ]


def grid_error_ms(pair: Pair) -> float:
    errors = grid_errors_ms(pair[1].beats_s or [], pair[0].beats_s)
    return 1_000.0 if errors is None else max(errors)
