"""Drums for a device: the notes of its clips as whole numbers, its wishes, and patterns as notes."""

from collections.abc import Mapping, Sequence
from typing import Final

from cratehand.domain.clip_note import ClipNote
from cratehand.domain.drum_pattern import DrumPattern, Metre
from cratehand.domain.drum_request import DrumTask
from cratehand.domain.errors import InvalidInputError, NotFoundError
from cratehand.servers.osc.addresses import Value
from cratehand.servers.osc.results import Result
from cratehand.servers.osc.sessions import Session
from cratehand.usecases.drum_generation import DrumWish
from cratehand.usecases.use_cases import UseCases

Arguments = Mapping[str, Value]

_TICKS_PER_BEAT: Final = 480
_MOST_PARTS: Final = 10
_NOTES_A_PART: Final = 200


def keep_clip(session: Session, arguments: Arguments, notes: Sequence[Value]) -> None:
    """Keep a part of a clip until drums are asked for; raises `InvalidInputError` where it is too much."""
    part, parts = int(arguments["part"]), int(arguments["parts"])
    if not 0 <= part < parts <= _MOST_PARTS or len(notes) > _NOTES_A_PART:
        raise InvalidInputError(
            f"a clip has at most {_MOST_PARTS} parts of {_NOTES_A_PART} notes: part {part} of {parts} has {len(notes)}"
        )
    session.keep_clip(int(arguments["clip"]), part=part, notes=[int(note) for note in notes])


def drums_result(use_cases: UseCases, arguments: Arguments, notes: Sequence[int]) -> tuple[Result, DrumPattern]:
    """Write a pattern and return its notes, pitch, start and length in beats, velocity, and itself.

    Raises:
        NotFoundError: The clip was not sent, or this is another session than the one it was sent in.
        CratehandError: As `DrumGeneration.generate`.
    """
    made = use_cases.drums.generate(_wish(use_cases, arguments, notes))
    items = [
        [note.pitch, round(note.start_beats, 6), round(note.duration_beats, 6), note.velocity]
        for note in use_cases.drums.notes(made.pattern)
    ]
    content = {
        "kind": "drums",
        "items": items,
        "length_beats": made.pattern.steps / 4,
        "style": made.style,
        "seed": made.seed,
        "generator": made.generator.value,
        "remarks": made.remarks,
    }
    return Result(content=content, count=len(items)), made.pattern


def _wish(use_cases: UseCases, arguments: Arguments, notes: Sequence[int]) -> DrumWish:
    metre = Metre(beats=int(arguments["beats"]), unit=int(arguments["unit"]))
    tempo_bpm, bars, how = float(arguments["tempo"]), int(arguments["bars"]), str(arguments["how"])
    density, swing = float(arguments["density"]), float(arguments["swing"])
    given, task = None, None
    if how:
        if how not in list(DrumTask):
            raise InvalidInputError(f"{how[:40]!r} is none of {', '.join(DrumTask)}")
        if not notes:
            raise NotFoundError("the notes of the clip are not here: send them again")
        task = DrumTask(how)
        given_bars = int(arguments.get("given_bars", bars))
        given = use_cases.drums.given(
            [_note(number) for number in notes], bars=given_bars, metre=metre, tempo_bpm=tempo_bpm
        )
    # The given pattern keeps its bars; only a continuation takes another number.
    keeps = given is not None and task is not DrumTask.CONTINUE
    return DrumWish(
        style=str(arguments["style"]) or None,
        seed=int(arguments["seed"]) if int(arguments["seed"]) >= 0 else None,
        tempo_bpm=tempo_bpm,
        bars=None if keeps else bars,
        metre=metre,
        density=density if density >= 0 else None,
        swing_ratio=swing / 100 if swing > 0 else None,
        given=given,
        task=task,
    )


def _note(packed: int) -> ClipNote:
    rest, velocity = divmod(packed, 128)
    ticks, pitch = divmod(rest, 128)
    return ClipNote(pitch=pitch, start_beats=ticks / _TICKS_PER_BEAT, velocity=max(velocity, 1))
