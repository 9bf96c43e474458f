"""Drum patterns on demand: which generator writes them, in which style, and what a user has to know about it."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cratehand.domain.clip_note import ClipNote
from cratehand.domain.drum_pattern import DrumPattern, Metre, check_bars
from cratehand.domain.drum_request import DrumRequest, DrumTask, GeneratedDrums, GeneratorKind, GivenDrums
from cratehand.domain.errors import InvalidInputError, UnavailableError, UnsupportedError
from cratehand.domain.model_ports import DrumFiles, DrumGenerator

DEFAULT_BARS: Final = 4
_ALSO_CALLED: Final = {
    "2step": "ukgarage",
    "afro": "afrobeat",
    "bossa": "latin",
    "bossanova": "latin",
    "boombap": "hiphop",
    "breaks": "breakbeat",
    "bluesshuffle": "blues",
    "dandb": "dnb",
    "dembow": "reggaeton",
    "drumandbass": "dnb",
    "drumnbass": "dnb",
    "edm": "dance",
    "garage": "ukgarage",
    "jazzswing": "jazz",
    "onedrop": "reggae",
    "psytrance": "trance",
    "rap": "hiphop",
    "rnb": "soul",
    "secondline": "neworleans",
    "shuffle": "blues",
    "swing": "jazz",
    "ukg": "ukgarage",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DrumStyle:
    """A style that can be asked for."""

    name: str
    tempo_bpm: float
    """Usual tempo, taken where none is given."""
    generators: tuple[GeneratorKind, ...]
    """The one that writes it comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrumWish:
    """What a user said; None: as it comes."""

    style: str | None
    seed: int | None = None
    """None draws one."""
    tempo_bpm: float | None = None
    bars: int | None = None
    metre: Metre | None = None
    density: float | None = None
    swing_ratio: float | None = None
    given: GivenDrums | None = None
    task: DrumTask | None = None
    """`DrumTask.CONTINUE` where a pattern is given and nothing is said."""
    generator: GeneratorKind | None = None


class DrumGeneration:
    """Writes drum patterns.

    Args:
        model: Wins where it knows the style and can run.
        templates: Knows every style and always runs.
        files: Reads and writes MIDI.
        draw_seed: Gives a seed where a user gives none.
    """

    def __init__(
        self, *, model: DrumGenerator, templates: DrumGenerator, files: DrumFiles, draw_seed: Callable[[], int]
    ) -> None:
        self._model, self._templates = model, templates
        self._files, self._draw_seed = files, draw_seed

    def read(self, midi: bytes, *, name: str, metre: Metre | None = None) -> GivenDrums:
        """Read a pattern to start from; raises as `DrumFiles.parse`."""
        return self._files.parse(midi, name=name, metre=metre)

    def given(self, notes: Sequence[ClipNote], *, bars: int, metre: Metre, tempo_bpm: float) -> GivenDrums:
        """Read the notes of a clip to start from; raises as `DrumFiles.given`."""
        check_bars(bars)
        return self._files.given(notes, bars=bars, metre=metre, tempo_bpm=tempo_bpm)

    def notes(self, pattern: DrumPattern) -> Sequence[ClipNote]:
        """Return a pattern as the notes of a clip."""
        return self._files.notes(pattern)

    def midi(self, pattern: DrumPattern) -> bytes:
        """Return a pattern as a MIDI file."""
        return self._files.write(pattern)

    def styles(self) -> list[DrumStyle]:
        """Return all styles by name."""
        modelled, written = self._modelled()[0], self._templates.styles()
        return [
            DrumStyle(
                name=name,
                tempo_bpm=modelled.get(name, written.get(name, 120.0)),
                generators=tuple(
                    kind
                    for kind, known in ((GeneratorKind.MODEL, modelled), (GeneratorKind.TEMPLATE, written))
                    if name in known
                ),
            )
            for name in sorted({*modelled, *written})
        ]

    def generate(self, wish: DrumWish) -> GeneratedDrums:
        """Write a pattern.

        Raises:
            InvalidInputError: An unknown style (the nearest one is named), or a number out of its range.
            UnavailableError: The model was asked for by name and can't run.
            UnsupportedError: It was asked for by name and does not know the style or the metre.
        """
        modelled, why_not = self._modelled()
        style = self._style(wish, modelled)
        request = self._request(wish, style, modelled)
        if wish.generator is GeneratorKind.MODEL and why_not:
            raise UnavailableError(f"the drum model can't run: {why_not}")
        if wish.generator is not GeneratorKind.TEMPLATE and not why_not and (style is None or style in modelled):
            try:
                pattern = self._model.generate(request)
                return self._made(pattern, GeneratorKind.MODEL, request, _left_out(wish))
            except UnsupportedError as error:
                if wish.generator is GeneratorKind.MODEL:
                    raise
                why_not = str(error)
        elif wish.generator is GeneratorKind.MODEL:
            raise UnsupportedError(f"the drum model does not know {style}; it knows {', '.join(sorted(modelled))}")
        return self._from_template(wish, request, why_not)

    def _from_template(self, wish: DrumWish, request: DrumRequest, why_not: str | None) -> GeneratedDrums:
        remarks = [*_left_out(wish)]
        if wish.generator is None:
            remarks.append(
                why_not or f"no recorded drummer of the model plays {request.style}: written from a template"
            )
        if str(request.metre) != "4/4":
            remarks.append(f"templates are written in 4/4 and were cut to {request.metre}")
        pattern = self._templates.generate(request)
        return self._made(pattern, GeneratorKind.TEMPLATE, request, tuple(remarks))

    def _made(
        self, pattern: DrumPattern, kind: GeneratorKind, request: DrumRequest, remarks: tuple[str, ...]
    ) -> GeneratedDrums:
        return GeneratedDrums(
            pattern=pattern,
            generator=kind,
            model=self._model.name if kind is GeneratorKind.MODEL else None,
            style=request.style,
            seed=request.seed,
            remarks=remarks,
        )

    def _modelled(self) -> tuple[Mapping[str, float], str | None]:
        """Return the model's styles, and why it can't run; no styles then."""
        try:
            return self._model.styles(), None
        except UnavailableError as error:
            return {}, str(error)

    def _style(self, wish: DrumWish, modelled: Mapping[str, float]) -> str | None:
        if wish.style is None:
            if wish.given is None:
                raise InvalidInputError(
                    "a style is needed where no pattern is given; `cratehand drums --styles` lists them"
                )
            return None
        known = {*modelled, *self._templates.styles()}
        plain = "".join(sign for sign in wish.style.casefold().replace("&", "n") if sign.isalnum())
        plain = _ALSO_CALLED.get(plain, plain)
        if plain in known:
            return plain
        near = difflib.get_close_matches(plain, sorted({*known, *_ALSO_CALLED}), n=1, cutoff=0.5)
        hint = f"the nearest is {near[0]}; " if near else ""
        raise InvalidInputError(f"{wish.style!r} is no drum style: {hint}`cratehand drums --styles` lists all")

    def _request(self, wish: DrumWish, style: str | None, modelled: Mapping[str, float]) -> DrumRequest:
        given = wish.given.pattern if wish.given is not None else None
        task = wish.task if given is None else wish.task or DrumTask.CONTINUE
        usual = {**self._templates.styles(), **modelled}
        tempo_bpm = wish.tempo_bpm
        if tempo_bpm is None:
            tempo_bpm = given.tempo_bpm if given is not None else usual[style] if style else 120.0
        same_length = given is not None and task is not DrumTask.CONTINUE
        if given is not None and same_length and wish.bars not in (None, given.bars):
            raise InvalidInputError(
                f"the given pattern has {given.bars} bars and keeps them; only `continue` takes another number"
            )
        bars = given.bars if given is not None and same_length else DEFAULT_BARS if wish.bars is None else wish.bars
        return DrumRequest(
            style=style,
            tempo_bpm=tempo_bpm,
            bars=bars,
            seed=self._draw_seed() if wish.seed is None else wish.seed,
            metre=wish.metre or (given.metre if given is not None else Metre()),
            density=wish.density,
            swing_ratio=wish.swing_ratio,
            given=given,
            task=task,
        )


def _left_out(wish: DrumWish) -> tuple[str, ...]:
    others = wish.given.other_notes if wish.given is not None else 0
    return (f"{others} notes of the given file are no drums of the nine voices and were left out",) if others else ()
