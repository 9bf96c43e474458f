"""Rows of confidence, of answers where there is nothing to say, and of cost. Pure."""

from collections.abc import Sequence
from typing import Final

from tests.bench.truth.rows import Pair, Score
from tests.bench.truth.rows_beats import GRID_MS, grid_error_ms, is_exact
from tests.bench.truth.rows_music import boundary_f
from tests.bench.truth.statistics import expected_calibration_error, quantile

_GRID_SETS: Final = ("tempo", "arrangements", "shared", "key", "key studies", "excerpts")


def answers(pair: Pair) -> dict[str, bool]:
    """Return of each field that was answered and has a truth whether it is right."""
    truth, said = pair
    right: dict[str, bool] = {}
    if truth.tempo_bpm and truth.constant and said.tempo_bpm is not None:
        right["tempo"] = is_exact(pair)
    if truth.beats_s and truth.set in _GRID_SETS and said.beats_s is not None:
        right["grid"] = grid_error_ms(pair) <= GRID_MS
    if truth.key and said.key is not None:
        right["key"] = said.key == truth.key
    if truth.set == "arrangements" and said.sections is not None:
        right["sections"] = boundary_f(pair) >= 0.85
    if truth.set == "quality" and said.verdict in ("genuine", "transcode"):
        right["quality"] = (said.verdict == "transcode") == (truth.codec != "lossless")
    return right


def calibration_data(pairs: Sequence[Pair]) -> dict[str, tuple[list[float], list[bool]]]:
    """Return confidences and whether the answer was right, per field."""
    data: dict[str, tuple[list[float], list[bool]]] = {}
    for pair in pairs:
        said = pair[1]
        confidences = {
            "tempo": said.tempo_confidence, "grid": said.beat_confidence, "key": said.key_confidence,
            "sections": said.sections_confidence, "quality": said.quality_confidence,
        }  # fmt: skip
        for name, right in answers(pair).items():
            if (confidence := confidences[name]) is not None:
                values, flags = data.setdefault(name, ([], []))
                values.append(confidence)
                flags.append(right)
    return data


def calibration_scores(pairs: Sequence[Pair]) -> list[Score]:
    """Score how far confidences are from being probabilities."""
    return [
        Score(
            area="confidence", what=f"calibration error, {name}", value=expected_calibration_error(values, flags),
            count=len(values), aim=0.05, at_most=True,
        )
        for name, (values, flags) in calibration_data(pairs).items()
    ]  # fmt: skip


def doubt_scores(pairs: Sequence[Pair], *, no_tempo: Sequence[str], no_key: Sequence[str]) -> list[Score]:
    """Score what is said where there is nothing to say: the share of files without crash, and with confidence below 0.5."""
    some = [pair for pair in pairs if pair[0].set == "robustness"]
    if not some:
        return []
    crashed = [pair for pair in some if any(word.startswith("CRASH") for word in pair[1].errors)]
    rows = []
    for name, groups, sure in (
        ("tempo", no_tempo, lambda said: said.tempo_bpm is not None and (said.tempo_confidence or 0.0) >= 0.5),
        ("key", no_key, lambda said: said.key is not None and (said.key_confidence or 0.0) >= 0.5),
    ):
        those = [pair for pair in some if pair[0].group in groups]
        wrong = [
            f"{a.name}: {b.tempo_bpm} ({b.tempo_confidence}), {b.key} ({b.key_confidence})" for a, b in those if sure(b)
        ]
        rows.append(
            Score(
                area="bad input",
                what=f"no {name} there: none said, or with confidence below 0.5",
                value=1.0 - len(wrong) / max(len(those), 1),
                count=len(those),
                aim=1.0,
                worst=wrong,
            )  # fmt: skip
        )
    words = [f"{a.name}: {b.errors}" for a, b in crashed]
    return [
        Score(
            area="bad input",
            what="crashes",
            value=float(len(crashed)),
            count=len(some),
            aim=0.0,
            at_most=True,
            worst=words,
        ),
        *rows,
    ]


def speed_scores(pairs: Sequence[Pair]) -> list[Score]:
    """Score the cost: over files of at least 20 s that were read."""
    long = [pair for pair in pairs if pair[0].duration_s >= 20.0 and pair[1].seconds > 0]
    if not long:
        return []
    audio_s = sum(truth.duration_s for truth, _ in long)
    wall = audio_s / sum(said.seconds for _, said in long)
    scores = [Score(area="speed", what="x real time per process, by the clock", value=wall, count=len(long), aim=60.0)]
    cpu_s = sum(said.cpu_seconds for _, said in long)
    if cpu_s:
        scores.append(
            Score(area="speed", what="x real time per process, by CPU time", value=audio_s / cpu_s, count=len(long))
        )
    memory = [said.peak_rss_mb for _, said in long if said.peak_rss_mb]
    if memory:
        scores.append(
            Score(
                area="speed",
                what="highest memory of a process",
                value=quantile(memory, 1.0),
                count=len(memory),
                aim=600.0,
                at_most=True,
                unit="MB",
            )
        )
    return scores
