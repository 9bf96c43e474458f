"""Rows of key, sections and the features of a listener, from the readings of any analyser. Pure."""

from collections.abc import Sequence

from tests.bench.truth import score_key, score_sections
from tests.bench.truth.rows import Pair, Score, mean, share, wrong
from tests.bench.truth.statistics import auc, spearman
from tests.bench.truth.truth import Truth


def key_scores(pairs: Sequence[Pair]) -> list[Score]:
    """Score keys on rendered excerpts, and on whole arrangements."""
    scores = []
    for name, sets, aim in (
        ("rendered MIDI", ("key",), 0.90),
        ("arrangements", ("arrangements", "tempo", "variants"), None),
    ):
        # Encodes of one recording are one question, not eight.
        some = [pair for pair in pairs if pair[0].key and pair[0].set in sets and not _is_encode(pair[0])]
        if not some or all(said.key is None for _, said in some):
            continue
        points = [score_key.mirex(said.key, truth.key or "") for truth, said in some]
        mixing = [score_key.camelot_compatible(said.key, truth.key or "") for truth, said in some]
        words = wrong(some, lambda pair: pair[1].key == pair[0].key, _key_word, most=60)
        scores += [
            Score(
                area="key", what=f"MIREX-weighted, {name}", value=mean(points), count=len(some), aim=aim, worst=words
            ),
            Score(area="key", what=f"exact, {name}", value=share([point == 1.0 for point in points]), count=len(some)),
            Score(area="key", what=f"Camelot-compatible, {name}", value=share(mixing), count=len(some)),
        ]
        for kind, points_of in (("fifth above", 0.5), ("relative", 0.3), ("parallel", 0.2), ("other", 0.0)):
            part = share([point == points_of for point in points])
            scores.append(Score(area="key errors", what=f"{kind}, {name}", value=part, count=len(some)))
    tuned = [pair for pair in pairs if pair[0].tuning_cents is not None and pair[1].tuning_cents is not None]
    if tuned:
        gaps = [_cents_apart(said.tuning_cents or 0.0, truth.tuning_cents or 0.0) for truth, said in tuned]
        near = share([gap <= 5.0 for gap in gaps])
        scores.append(Score(area="key", what="tuning within 5 cents", value=near, count=len(tuned)))
    return scores


def _is_encode(truth: Truth) -> bool:
    return truth.set == "variants" and truth.group != "base"


def _cents_apart(one: float, other: float) -> float:
    around = abs(one - other) % 100.0
    return min(around, 100.0 - around)


def _key_word(pair: Pair) -> str:
    truth, said = pair
    doubt = "" if said.key_confidence is None else f" ({said.key_confidence:.2f})"
    tuning = "" if truth.tuning_cents is None else f", {truth.tuning_cents:+g} cents, said {said.tuning_cents}"
    return f"said {said.key}{doubt}, is {truth.key}{tuning}"


def section_scores(pairs: Sequence[Pair]) -> list[Score]:
    """Score boundaries within one beat, labels, drops and breaks."""
    some = [pair for pair in pairs if pair[0].set == "arrangements" and pair[0].sections]
    if not some or all(said.sections is None for _, said in some):
        return []
    f_of = {id(said): boundary_f(pair) for pair in some for said in pair[1:]}
    ordered = sorted(some, key=lambda pair: f_of[id(pair[1])])
    scores = [
        Score(
            area="sections", what="boundary F within one beat", value=mean([f_of[id(said)] for _, said in some]),
            count=len(some), aim=0.85,
            worst=[f"{a.name}: F {f_of[id(b)]:.2f}, said {_plan(b.sections or [])}, is {_plan(a.sections)}" for a, b in ordered[:15]],
        ),
        Score(
            area="sections", what="label right, share of time",
            value=mean([score_sections.label_agreement(said.sections or [], truth.sections) for truth, said in some]),
            count=len(some),
        ),
    ]  # fmt: skip
    for label in ("drop", "break", "build"):
        hits = [
            score_sections.found(label, said.sections or [], said.cues or [], truth.sections, window_s=_beat_s(truth))
            for truth, said in some
        ]
        there = sum(count for _, count in hits)
        scores.append(
            Score(
                area="sections",
                what=f"{label}s found",
                value=sum(hit for hit, _ in hits) / there if there else None,
                count=there,
                aim=0.85 if label != "build" else None,
            )  # fmt: skip
        )
    return scores


def _beat_s(truth: Truth) -> float:
    return 60.0 / (truth.tempo_bpm or 120.0)


def boundary_f(pair: Pair) -> float:
    truth, said = pair
    return score_sections.boundary_f(
        said.sections or [], truth.sections, window_s=_beat_s(truth), neutral_s=truth.minor_boundaries_s
    )


def _plan(sections: Sequence[tuple[float, float, str]]) -> str:
    return " ".join(f"{label}@{start:.1f}" for start, _, label in sections)


def feature_scores(pairs: Sequence[Pair]) -> list[Score]:
    """Score energy against layers, and the voice features."""
    layered = [pair for pair in pairs if pair[0].set == "arrangements" and pair[0].layers is not None]
    scores = []
    energy = [(said.features["energy"], truth.layers or 0.0) for truth, said in layered if "energy" in said.features]
    if layered:
        value = spearman([one for one, _ in energy], [other for _, other in energy])
        scores.append(
            Score(area="features", what="energy, rank correlation with layers", value=value, count=len(energy), aim=0.7)
        )
    voiced = [pair for pair in pairs if pair[0].set == "voice"]
    tasks = {
        "speechiness": lambda truth: truth.voice == "spoken",
        "instrumentalness": lambda truth: truth.voice == "none",
    }
    for name, positive in tasks.items():
        said = [(reading.features[name], positive(truth)) for truth, reading in voiced if name in reading.features]
        if voiced:
            value = auc([score for score, _ in said], [flag for _, flag in said])
            scores.append(Score(area="features", what=f"{name}, AUC", value=value, count=len(said), aim=0.9))
    return scores
