"""Rows of the quality verdict and of loudness. Pure."""

from collections.abc import Mapping, Sequence

from tests.bench.truth.rows import Pair, Score, share, wrong

Tolerances = Mapping[str, tuple[float, float]]
_PEAK_OF_FFMPEG_DBTP = -20.0
"""ffmpeg tells peaks to three decimals of full scale; below this that is too coarse to compare with."""
_SHORT_S = 10.0
"""A range of shorter files rests on one or two windows, which ffmpeg fills with silence."""
_FFMPEG_LIMITS = {"integrated_lufs": 0.1, "true_peak_dbtp": 0.1, "range_lu": 0.5, "max_short_term_lufs": 0.1}


def quality_scores(pairs: Sequence[Pair]) -> list[Score]:
    """Score the verdict on codec history."""
    some = [pair for pair in pairs if pair[0].set == "quality"]
    if not some or all(said.verdict is None for _, said in some):
        return []
    lossless = [pair for pair in some if pair[0].codec == "lossless"]
    encodes = [pair for pair in some if pair[0].codec != "lossless"]
    return [*_lossless_scores(lossless), *_encode_scores(encodes), *_group_scores(some)]


def _is_called_transcode(pair: Pair) -> bool:
    return pair[1].verdict == "transcode"


def _is_honest(pair: Pair) -> bool:
    return pair[1].verdict in ("transcode", "cannot_tell")


def _is_genuine(pair: Pair) -> bool:
    return pair[1].verdict == "genuine"


def _lossless_scores(lossless: Sequence[Pair]) -> list[Score]:
    full = [pair for pair in lossless if pair[0].full_band]
    return [
        Score(
            area="quality",
            what="lossless called transcode",
            value=float(sum(map(_is_called_transcode, lossless))),
            count=len(lossless),
            aim=0.0,
            at_most=True,
            unit="files",
            worst=wrong(lossless, lambda pair: not _is_called_transcode(pair), _quality_word),
        ),
        Score(
            area="quality",
            what="full-band lossless called genuine",
            value=share(list(map(_is_genuine, full))),
            count=len(full),
            aim=0.95,
            worst=wrong(full, _is_genuine, _quality_word),
        ),
    ]


def _encode_scores(encodes: Sequence[Pair]) -> list[Score]:
    walled = [pair for pair in encodes if pair[0].walled]
    others = [pair for pair in encodes if not pair[0].walled]
    return [
        Score(
            area="quality",
            what="wall below 19.9 kHz called transcode",
            value=share(list(map(_is_called_transcode, walled))),
            count=len(walled),
            aim=0.99,
            worst=wrong(walled, _is_called_transcode, _quality_word),
        ),
        Score(
            area="quality",
            what="other encodes never called genuine",
            value=share(list(map(_is_honest, others))),
            count=len(others),
            aim=0.99,
            worst=wrong(others, _is_honest, _quality_word),
        ),
        Score(
            area="quality",
            what="other encodes called transcode",
            value=share(list(map(_is_called_transcode, others))),
            count=len(others),
        ),
    ]


def _group_scores(pairs: Sequence[Pair]) -> list[Score]:
    scores = []
    for group in sorted({truth.group for truth, _ in pairs}):
        rows = [pair for pair in pairs if pair[0].group == group]
        verdicts = [said.verdict or "none" for _, said in rows]
        shares = ", ".join(f"{verdict} {verdicts.count(verdict)}" for verdict in sorted(set(verdicts)))
        value = share(list(map(_is_called_transcode, rows)))
        what = f"{group} called transcode ({shares})"
        scores.append(Score(area="quality by group", what=what, value=value, count=len(rows)))
    return scores


def _quality_word(pair: Pair) -> str:
    truth, said = pair
    numbers = ", ".join(f"{name} {value:.4g}" for name, value in said.evidence.items())
    return f"said {said.verdict} {said.source_class or ''} ({said.quality_confidence}), is {truth.codec}; {numbers}"


def loudness_scores(
    pairs: Sequence[Pair], measured: Mapping[str, Mapping[str, float]], tolerances: Tolerances
) -> list[Score]:
    """Score loudness against published values, and against ffmpeg's `measured` by file name."""
    published = [score for name, limits in tolerances.items() for score in _published_score(pairs, name, limits)]
    return published + [
        _ffmpeg_score(pairs, measured, name, limit) for name, limit in _FFMPEG_LIMITS.items() if measured
    ]


def _published_score(pairs: Sequence[Pair], name: str, limits: tuple[float, float]) -> list[Score]:
    some = [pair for pair in pairs if name in pair[0].loudness]
    if not some:
        return []
    below, above = limits

    def is_right(pair: Pair) -> bool:
        said = getattr(pair[1], name)
        return said is not None and -below - 1e-6 <= said - pair[0].loudness[name] <= above + 1e-6

    def word(pair: Pair) -> str:
        return f"said {getattr(pair[1], name)}, published {pair[0].loudness[name]}"

    told = any(getattr(said, name) is not None for _, said in some)
    return [
        Score(
            area="loudness",
            what=f"EBU signals, {name}",
            value=share(list(map(is_right, some))) if told else None,
            count=len(some),
            aim=1.0,
            worst=wrong(some, is_right, word),
        )
    ]


def _is_comparable(name: str, measured: float | None, duration_s: float) -> bool:
    if measured is None or measured <= -70.0:
        return False
    if name == "true_peak_dbtp":
        return measured > _PEAK_OF_FFMPEG_DBTP
    return name != "range_lu" or duration_s >= _SHORT_S


def _ffmpeg_score(pairs: Sequence[Pair], measured: Mapping[str, Mapping[str, float]], name: str, limit: float) -> Score:
    both = [
        (truth.name, getattr(said, name), measured[truth.name][name])
        for truth, said in pairs
        if getattr(said, name) is not None
        and _is_comparable(name, measured.get(truth.name, {}).get(name), truth.duration_s)
    ]
    gaps = sorted(((abs(ours - theirs), file, ours, theirs) for file, ours, theirs in both), reverse=True)
    return Score(
        area="loudness",
        what=f"largest gap to ffmpeg, {name}",
        value=gaps[0][0] if gaps else None,
        count=len(gaps),
        aim=limit,
        at_most=True,
        worst=[f"{file}: said {ours:.2f}, ffmpeg {theirs:.2f}" for gap, file, ours, theirs in gaps[:8] if gap > limit],
    )
