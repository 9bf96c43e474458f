import contextlib
from io import BytesIO

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratehand.domain.drum_pattern import DrumHit, DrumPattern, DrumVoice, Metre, arranged
from cratehand.domain.errors import CorruptFileError, InvalidInputError
from cratehand_models.drum_midi import NOTES, midi_bytes, parse_midi

KICK, SNARE = DrumVoice.KICK, DrumVoice.SNARE


def opened(data: bytes) -> mido.MidiFile:
    return mido.MidiFile(file=BytesIO(data))


def file_of(*messages: mido.Message, ticks_per_beat: int = 480) -> bytes:
    file = mido.MidiFile(type=0, ticks_per_beat=ticks_per_beat)
    file.tracks.append(mido.MidiTrack(messages))
    buffer = BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def note(number: int, *, time: int = 0, channel: int = 9, velocity: int = 80) -> mido.Message:
    return mido.Message("note_on", note=number, time=time, channel=channel, velocity=velocity)


def test_a_pattern_is_general_midi_on_channel_10_up_to_its_last_bar_line() -> None:
    hits = (DrumHit(step=0, voice=KICK, velocity=100), DrumHit(step=4, voice=SNARE, velocity=90, offset_steps=0.25))
    file = opened(midi_bytes(DrumPattern(hits=hits, bars=2, metre=Metre.parse("3/4"), tempo_bpm=126.0)))
    (track,) = file.tracks
    told = {message.type: message for message in track if message.is_meta}
    assert (told["time_signature"].numerator, told["time_signature"].denominator) == (3, 4)
    assert told["set_tempo"].tempo == round(60e6 / 126)
    assert sum(message.time for message in track) == 2 * 3 * 480
    notes, now = [], 0
    for message in track:
        now += message.time
        if message.type == "note_on":
            notes.append((now, message.channel, message.note, message.velocity))
    assert notes == [(0, 9, 36, 100), (510, 9, 38, 90)]


steps = st.integers(0, 31)
hit = st.builds(
    DrumHit,
    step=steps,
    voice=st.sampled_from(DrumVoice),
    velocity=st.integers(1, 127),
    offset_steps=st.floats(-0.5, 0.5),
)


@given(st.lists(hit, min_size=1, max_size=60))
def test_every_note_ends_before_its_voice_strikes_again_and_inside_the_file(hits: list[DrumHit]) -> None:
    pattern = DrumPattern(hits=arranged(hits), bars=2, tempo_bpm=97.0)
    (track,) = opened(midi_bytes(pattern)).tracks
    sounding: dict[int, int] = {}
    now = 0
    for message in track:
        now += message.time
        if message.type == "note_on":
            assert sounding.get(message.note) is None
            sounding[message.note] = now
        elif message.type == "note_off":
            assert sounding.pop(message.note) < now
    assert not sounding
    assert now == 2 * 4 * 480


@given(st.lists(hit, min_size=1, max_size=40))
def test_what_was_written_is_read_again(hits: list[DrumHit]) -> None:
    inner = [h for h in hits if 0 < h.step < 31 and abs(h.offset_steps) < 0.45]
    if not inner:
        return
    pattern = DrumPattern(hits=arranged(inner), bars=2, tempo_bpm=120.0)
    found = parse_midi(midi_bytes(pattern), name="it").pattern
    assert (found.bars, found.metre, found.tempo_bpm) == (2, Metre(), 120.0)
    assert [(h.step, h.voice, h.velocity) for h in found.hits] == [(h.step, h.voice, h.velocity) for h in pattern.hits]
    for ours, theirs in zip(found.hits, pattern.hits, strict=True):
        assert ours.offset_steps == pytest.approx(theirs.offset_steps, abs=1 / 120)


def test_the_same_pattern_gives_the_same_bytes() -> None:
    pattern = DrumPattern(hits=(DrumHit(step=1, voice=KICK),), bars=1)
    assert midi_bytes(pattern) == midi_bytes(pattern)


def test_a_clip_keeps_its_silent_bars_and_a_ring_over_the_bar_line_adds_none() -> None:
    silent = file_of(note(36), mido.MetaMessage("end_of_track", time=4 * 1920))
    ringing = file_of(note(36), mido.MetaMessage("end_of_track", time=1920 + 200))
    assert parse_midi(silent, name="it").pattern.bars == 4
    assert parse_midi(ringing, name="it").pattern.bars == 1


def test_a_downbeat_played_early_at_the_very_end_stays_inside() -> None:
    pattern = parse_midi(file_of(note(36), note(38, time=1915)), name="it").pattern
    assert pattern.bars == 1
    assert pattern.hits[-1] == DrumHit(step=15, voice=SNARE, velocity=80, offset_steps=0.5)


def test_drums_on_another_channel_are_read_where_channel_10_is_empty() -> None:
    assert parse_midi(file_of(note(36, channel=0)), name="it").pattern.hits[0].voice is KICK
    mixed = parse_midi(file_of(note(36), note(38, channel=0)), name="it")
    assert [h.voice for h in mixed.pattern.hits] == [KICK]


def test_notes_that_are_no_drums_of_ours_are_counted() -> None:
    assert parse_midi(file_of(note(36), note(100), note(5)), name="it").other_notes == 2


def test_a_given_metre_wins_over_the_files() -> None:
    data = file_of(mido.MetaMessage("time_signature", numerator=3, denominator=4), note(36))
    assert str(parse_midi(data, name="it").pattern.metre) == "3/4"
    assert str(parse_midi(data, name="it", metre=Metre.parse("6/8")).pattern.metre) == "6/8"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", CorruptFileError),
        (b"RIFF....WAVE", CorruptFileError),
        (file_of(note(36), note(38, time=9))[:30], CorruptFileError),
        (file_of(note(100)), InvalidInputError),
        (file_of(), InvalidInputError),
        (file_of(note(36, time=65 * 1920)), InvalidInputError),
        (file_of(mido.MetaMessage("set_tempo", tempo=16_000_000), note(36)), InvalidInputError),
    ],
    ids=["empty", "no MIDI", "cut off", "no drums", "nothing", "too long", "too slow"],
)
def test_what_can_not_be_used_is_named(data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_midi(data, name="odd.mid")


@given(st.binary(max_size=200))
def test_any_bytes_end_in_a_pattern_or_in_our_error(tail: bytes) -> None:
    good = file_of(note(36), note(38, time=480))
    for data in (tail, b"MThd" + tail, good[:14] + tail):
        with contextlib.suppress(InvalidInputError):
            assert parse_midi(data, name="it").pattern.hits


def test_every_voice_is_read_as_it_was_written() -> None:
    hits = tuple(DrumHit(step=0, voice=voice) for voice in DrumVoice)
    assert len(set(NOTES.values())) == 9
    assert [h.voice for h in parse_midi(midi_bytes(DrumPattern(hits=hits, bars=1)), name="it").pattern.hits] == list(
        DrumVoice
    )
