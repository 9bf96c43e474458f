import pytest

from cratehand.domain.clip_note import ClipNote
from cratehand.domain.drum_pattern import DrumHit, DrumPattern, DrumVoice, Metre
from cratehand.domain.drum_request import DrumRequest
from cratehand.domain.errors import InvalidInputError
from cratehand_models.drum_midi import clip_notes, parse_notes
from cratehand_models.drum_templates import DrumTemplates


@pytest.mark.parametrize("style", ["house", "jazz", "dnb"])
def test_a_pattern_as_notes_is_that_pattern_again(style: str) -> None:
    pattern = DrumTemplates().generate(DrumRequest(style=style, tempo_bpm=120.0, bars=2, seed=3))
    notes = clip_notes(pattern)
    assert [note.start_beats for note in notes] == sorted(note.start_beats for note in notes)
    assert all(note.start_beats + note.duration_beats <= 8.0 for note in notes)
    again = parse_notes(notes, bars=2, metre=Metre(), tempo_bpm=120.0)
    assert again.other_notes == 0
    assert [(hit.step, hit.voice, hit.velocity) for hit in again.pattern.hits] == [
        (hit.step, hit.voice, hit.velocity) for hit in pattern.hits
    ]
    # One tick is 1/120 step.
    for heard, written in zip(again.pattern.hits, pattern.hits, strict=True):
        assert heard.offset_steps == pytest.approx(written.offset_steps, abs=1 / 120) or written.step == 0


def test_a_note_ends_before_the_next_of_its_voice() -> None:
    hits = tuple(DrumHit(step=0, voice=DrumVoice.KICK, velocity=1, offset_steps=0.2) for _ in range(1))
    hits += (DrumHit(step=1, voice=DrumVoice.KICK, velocity=2, offset_steps=-0.5),)
    first, second = clip_notes(DrumPattern(hits=hits, bars=1))
    assert first.start_beats + first.duration_beats <= second.start_beats


def test_notes_behind_the_end_and_foreign_ones_are_left_out_and_counted() -> None:
    notes = [ClipNote(pitch=pitch, start_beats=at, velocity=80) for pitch, at in ((36, 0.0), (36, 4.0), (10, 1.0))]
    given = parse_notes(notes, bars=1, metre=Metre(), tempo_bpm=120.0)
    assert (len(given.pattern.hits), given.other_notes) == (1, 2)
    with pytest.raises(InvalidInputError, match="no drum notes"):
        parse_notes(notes[2:], bars=1, metre=Metre(), tempo_bpm=120.0)


@pytest.mark.parametrize(
    ("pitch", "start_beats", "velocity"), [(128, 0.0, 1), (0, -0.1, 1), (0, 0.0, 0), (0, 0.0, 128)]
)
def test_a_note_that_is_none_is_refused(pitch: int, start_beats: float, velocity: int) -> None:
    with pytest.raises(InvalidInputError):
        ClipNote(pitch=pitch, start_beats=start_beats, velocity=velocity)
