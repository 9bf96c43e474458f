"""Written-down patterns of each style, varied by luck: the generator that needs no model."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from cratehand.domain.drum_pattern import DrumHit, DrumPattern, DrumVoice
from cratehand.domain.drum_request import DrumRequest, DrumTask
from cratehand_models.drum_swing import with_swing
from cratehand_models.drums import fill_start

NAME: Final = "templates"
_FILE: Final = Path(__file__).with_name("drum_templates.toml")
_BAR: Final = 16
_VELOCITIES: Final = {"X": 116, "x": 96, "o": 56, "?": 76}
_SOMETIMES: Final = 0.35
_PHRASE_BARS: Final = 4
_FALLBACK_STYLE: Final = "rock"
_FILL_VOICES: Final = (DrumVoice.SNARE, DrumVoice.HIGH_TOM, DrumVoice.MID_TOM, DrumVoice.LOW_TOM)
_LOOSE_STEPS: Final = 0.06
"""Standard deviation of a human's timing in steps: 7 ms at 120 BPM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrumTemplate:
    """One style."""

    tempo_bpm: float
    swing_ratio: float
    rows: Mapping[DrumVoice, tuple[str, ...]]
    """Bars of 16 signs each."""


class DrumTemplates:
    """Implements the port `DrumGenerator`."""

    @property
    def name(self) -> str:
        """What it is called."""
        return NAME

    def styles(self) -> Mapping[str, float]:
        """Return its styles with the usual tempo of each."""
        return {name: template.tempo_bpm for name, template in load_templates().items()}

    def generate(self, request: DrumRequest) -> DrumPattern:
        """Write a pattern; metres other than 4/4 take as many steps of the template's bar as they have."""
        template = load_templates()[request.style or _FALLBACK_STYLE]
        rng = np.random.default_rng(request.seed)
        hits = _played(template, request, rng)
        swing = request.swing_steps
        if swing is None and request.task is None:
            swing = 2 * template.swing_ratio - 1
        return with_swing(request.silence().with_hits(hits), swing)


@cache
def load_templates() -> Mapping[str, DrumTemplate]:
    """Read the templates; of each voice one or two bars."""
    found = {}
    for style, table in tomllib.loads(_FILE.read_text(encoding="utf-8")).items():
        rows = {voice: tuple(table[voice].split()) for voice in DrumVoice if voice in table}
        for voice, bars in rows.items():
            if not all(re.fullmatch(r"[Xxo?.]{16}", bar) for bar in bars):
                raise ValueError(f"{style}: a bar of {voice} is not 16 of X x o ? .")
        found[style] = DrumTemplate(tempo_bpm=table["tempo_bpm"], swing_ratio=table["swing"], rows=rows)
    return found


def _played(template: DrumTemplate, request: DrumRequest, rng: np.random.Generator) -> list[DrumHit]:
    given = request.given
    match request.task:
        case None:
            return list(_written(template, request, rng))
        case DrumTask.TAP:
            return list(_on_taps(template, request, rng))
        case _ if given is None:
            raise ValueError("a task without a pattern")
        case DrumTask.HUMANISE:
            return [_loosened(hit, rng) for hit in given.hits]
        case DrumTask.VARY:
            return list(_varied(given, rng))
        case DrumTask.FILL:
            start = fill_start(request)
            return [*(hit for hit in given.hits if hit.step < start), *_fill(start, request.silence().steps, rng)]
        case DrumTask.CONTINUE:
            looped = [replace(hit, step=hit.step + lap * given.steps) for lap in range(64) for hit in given.hits]
            inside = given.with_hits([]).metre.steps_per_bar * request.bars
            return list(_varied(replace(request.silence(), hits=tuple(h for h in looped if h.step < inside)), rng))


def _written(template: DrumTemplate, request: DrumRequest, rng: np.random.Generator) -> Iterator[DrumHit]:
    per_bar = request.metre.steps_per_bar
    sometimes = _SOMETIMES if request.density is None else request.density
    thinned = 0.0 if request.density is None else max(0.5 - request.density, 0.0)
    for bar in range(request.bars):
        closing = bar % _PHRASE_BARS == _PHRASE_BARS - 1
        fill_from = per_bar - 4 if closing and per_bar > 8 and rng.random() < 0.7 else per_bar
        for step in range(per_bar):
            for voice, bars in template.rows.items():
                sign, luck = bars[bar % len(bars)][step % _BAR], rng.random()
                # Every voice draws once a step, whatever it plays: density then changes nothing but itself.
                if step >= fill_from and voice is not DrumVoice.KICK:
                    continue
                if sign == "." or (sign == "?" and luck >= sometimes) or (sign in "ox" and luck < thinned):
                    continue
                yield _stroke(bar * per_bar + step, voice, _VELOCITIES[sign], rng)
        if fill_from < per_bar:
            yield from _fill(bar * per_bar + fill_from, (bar + 1) * per_bar, rng)
        elif bar % _PHRASE_BARS == 0 and bar:
            yield _stroke(bar * per_bar, DrumVoice.CRASH, 104, rng)


def _fill(start: int, end: int, rng: np.random.Generator) -> Iterator[DrumHit]:
    """Yield a run down the kit that gets louder."""
    for step in range(start, end):
        through = (step - start) / max(end - start, 1)
        if rng.random() < 0.8:
            place = min(int(through * len(_FILL_VOICES) + rng.uniform(-0.6, 0.6)), len(_FILL_VOICES) - 1)
            yield _stroke(step, _FILL_VOICES[max(place, 0)], int(80 + 36 * through), rng)


def _on_taps(template: DrumTemplate, request: DrumRequest, rng: np.random.Generator) -> Iterator[DrumHit]:
    """Yield what the style plays on each tapped step; where it plays nothing, the closed hat."""
    assert request.given is not None
    per_bar = request.metre.steps_per_bar
    for step in sorted({hit.step for hit in request.given.hits}):
        tap = max((hit for hit in request.given.hits if hit.step == step), key=lambda hit: hit.velocity)
        bar, place = divmod(step, per_bar)
        signs = {voice: bars[bar % len(bars)][place % _BAR] for voice, bars in template.rows.items()}
        voices = {voice: sign for voice, sign in signs.items() if sign in "Xxo"} or {DrumVoice.CLOSED_HAT: "x"}
        for voice, sign in voices.items():
            hit = _stroke(step, voice, _VELOCITIES[sign], rng)
            yield replace(hit, offset_steps=tap.offset_steps)


def _varied(pattern: DrumPattern, rng: np.random.Generator) -> Iterator[DrumHit]:
    """Yield most hits, some softer strokes left out, and a few ghosts of voices that are there on free steps."""
    taken = {(hit.step, hit.voice) for hit in pattern.hits}
    for hit in pattern.hits:
        if hit.velocity >= 100 or rng.random() < 0.85:
            yield replace(hit, velocity=int(np.clip(hit.velocity + rng.integers(-8, 9), 1, 127)))
    voices = sorted({hit.voice for hit in pattern.hits} - {DrumVoice.CRASH})
    for step in range(pattern.steps):
        if voices and rng.random() < 0.12:
            voice = voices[int(rng.integers(len(voices)))]
            if (step, voice) not in taken:
                yield _stroke(step, voice, 52, rng)


def _loosened(hit: DrumHit, rng: np.random.Generator) -> DrumHit:
    # Off the beat a hand plays softer.
    accent = {0: 8, 2: 0}.get(hit.step % 4, -14)
    return replace(
        hit,
        velocity=int(np.clip(hit.velocity + accent + rng.normal(0, 7), 1, 127)),
        offset_steps=float(np.clip(rng.normal(0, _LOOSE_STEPS), -0.5, 0.5)),
    )


def _stroke(step: int, voice: DrumVoice, velocity: int, rng: np.random.Generator) -> DrumHit:
    return DrumHit(step=step, voice=voice, velocity=int(np.clip(velocity + rng.integers(-6, 7), 1, 127)))
