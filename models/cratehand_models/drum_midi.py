"""Drum patterns as Standard MIDI Files: General MIDI percussion on channel 10."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Final

import mido

from cratehand.domain.clip_note import ClipNote
from cratehand.domain.drum_pattern import (
    MAX_BARS,
    STEPS_PER_QUARTER,
    DrumHit,
    DrumPattern,
    DrumVoice,
    Metre,
    arranged,
)
from cratehand.domain.drum_request import GivenDrums
from cratehand.domain.errors import CorruptFileError, InvalidInputError

TICKS_PER_QUARTER: Final = 480
DRUM_CHANNEL: Final = 9
"""Channel 10, counted from 0."""
NOTES: Final = {
    DrumVoice.KICK: 36,
    DrumVoice.SNARE: 38,
    DrumVoice.CLOSED_HAT: 42,
    DrumVoice.OPEN_HAT: 46,
    DrumVoice.LOW_TOM: 43,
    DrumVoice.MID_TOM: 47,
    DrumVoice.HIGH_TOM: 50,
    DrumVoice.CRASH: 49,
    DrumVoice.RIDE: 51,
}
"""The General MIDI note each voice is written as."""
_HEARD_AS: Final = {
    DrumVoice.KICK: (35, 36),
    DrumVoice.SNARE: (37, 38, 39, 40),
    DrumVoice.CLOSED_HAT: (22, 42, 44, 54, 69, 70, 82),
    DrumVoice.OPEN_HAT: (26, 46),
    DrumVoice.LOW_TOM: (41, 43, 58, 64, 66),
    DrumVoice.MID_TOM: (45, 47, 61, 63, 65),
    DrumVoice.HIGH_TOM: (48, 50, 60, 62),
    DrumVoice.CRASH: (49, 52, 55, 57),
    DrumVoice.RIDE: (51, 53, 56, 59),
}
"""What else is read as a voice: General MIDI and the Roland TD-11 of the Groove MIDI Dataset (22, 26, 58)."""
_VOICE_OF: Final = {note: voice for voice, notes in _HEARD_AS.items() for note in notes}
_NOTE_TICKS: Final = TICKS_PER_QUARTER // 8
_DAMAGED: Final = (OSError, EOFError, ValueError, KeyError, IndexError, TypeError)
"""What mido raises about bytes that are no MIDI file."""


class GeneralMidi:
    """Implements the port `DrumFiles`."""

    def parse(self, data: bytes, *, name: str, metre: Metre | None = None) -> GivenDrums:
        """Read a pattern; see `parse_midi`."""
        return parse_midi(data, name=name, metre=metre)

    def write(self, pattern: DrumPattern) -> bytes:
        """Return a pattern as a file; see `midi_bytes`."""
        return midi_bytes(pattern)

    def notes(self, pattern: DrumPattern) -> list[ClipNote]:
        """Return a pattern as the notes of a clip; see `clip_notes`."""
        return clip_notes(pattern)

    def given(self, notes: Sequence[ClipNote], *, bars: int, metre: Metre, tempo_bpm: float) -> GivenDrums:
        """Read the notes of a clip; see `parse_notes`."""
        return parse_notes(notes, bars=bars, metre=metre, tempo_bpm=tempo_bpm)


def clip_notes(pattern: DrumPattern) -> list[ClipNote]:
    """Return a pattern as the notes of a clip, ascending in time and pitch, timed to the tick of the MIDI file."""
    starts = sorted((tick, note, velocity) for tick, is_on, note, velocity in _note_events(pattern) if is_on)
    ends = sorted((tick, note) for tick, is_on, note, _ in _note_events(pattern) if not is_on)
    found = []
    for tick, note, velocity in starts:
        end = next(end for end, ended in ends if ended == note and end > tick)
        found.append(
            ClipNote(
                pitch=note,
                start_beats=tick / TICKS_PER_QUARTER,
                duration_beats=(end - tick) / TICKS_PER_QUARTER,
                velocity=velocity,
            )
        )
    return found


def parse_notes(notes: Sequence[ClipNote], *, bars: int, metre: Metre, tempo_bpm: float) -> GivenDrums:
    """Read the notes of a clip as a pattern; what lies behind its end is left out.

    Raises:
        InvalidInputError: None of them is a drum, or a number is out of its range.
    """
    steps = bars * metre.steps_per_bar
    inside = [note for note in notes if note.start_beats * STEPS_PER_QUARTER < steps]
    known = [note for note in inside if note.pitch in _VOICE_OF]
    if not known:
        raise InvalidInputError("the clip has no drum notes: General MIDI notes 35 to 59 are read")
    hits = [
        _hit(note.start_beats * STEPS_PER_QUARTER, _VOICE_OF[note.pitch], note.velocity, last_step=steps - 1)
        for note in known
    ]
    pattern = DrumPattern(hits=arranged(hits), bars=bars, metre=metre, tempo_bpm=tempo_bpm)
    return GivenDrums(pattern=pattern, other_notes=len(notes) - len(known))


def midi_bytes(pattern: DrumPattern) -> bytes:
    """Return a pattern as a MIDI file of one track that ends at its last bar line.

    The same pattern always gives the same bytes. A hit before the first bar line is written on it.
    """
    file = mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_QUARTER)
    track = mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.MetaMessage("track_name", name="Drums", time=0))
    track.append(
        mido.MetaMessage("time_signature", numerator=pattern.metre.beats, denominator=pattern.metre.unit, time=0)
    )
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(pattern.tempo_bpm), time=0))
    now = 0
    for tick, is_on, note, velocity in sorted(_note_events(pattern)):
        kind = "note_on" if is_on else "note_off"
        track.append(mido.Message(kind, channel=DRUM_CHANNEL, note=note, velocity=velocity, time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=_ticks(pattern.steps) - now))
    buffer = BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def parse_midi(data: bytes, *, name: str, metre: Metre | None = None, max_bars: int = MAX_BARS) -> GivenDrums:
    """Read the drums of a MIDI file: of channel 10, or of all channels where it has nothing on that.

    Args:
        data: A Standard MIDI File.
        name: What to call it in errors.
        metre: Wins over the time signature of the file; without either it is 4/4.
        max_bars: Longer ones are refused.

    Raises:
        CorruptFileError: It is no MIDI file.
        InvalidInputError: It has no drums, or is too long.
    """
    file = _opened(data, name)
    if file.ticks_per_beat <= 0:
        raise InvalidInputError(f"{name} counts in SMPTE frames, not in beats: export it with a tempo")
    onsets, signature, tempo_us, end_steps = _read(file)
    known = [(when, _VOICE_OF[note], velocity) for when, note, velocity in onsets if note in _VOICE_OF]
    if not known:
        raise InvalidInputError(f"{name} has no drum notes: export a drum clip, General MIDI notes 35 to 59")
    metre = metre or (Metre(beats=signature[0], unit=signature[1]) if signature else Metre())
    per_bar = metre.steps_per_bar
    # Silent bars at the end count, a note that rings a little over the bar line does not.
    bars = max(int(max(when for when, _, _ in known) / per_bar) + 1, int(end_steps / per_bar + 0.02))
    if bars > max_bars:
        raise InvalidInputError(f"{name} has {bars} bars: give a clip of at most {max_bars}")
    hits = [_hit(when, voice, velocity, last_step=bars * per_bar - 1) for when, voice, velocity in known]
    pattern = DrumPattern(
        hits=arranged(hits), bars=bars, metre=metre, tempo_bpm=mido.tempo2bpm(tempo_us) if tempo_us else 120.0
    )
    return GivenDrums(pattern=pattern, other_notes=len(onsets) - len(known))


def _opened(data: bytes, name: str) -> mido.MidiFile:
    try:
        return mido.MidiFile(file=BytesIO(data), clip=True)
    except _DAMAGED as error:
        raise CorruptFileError(f"{name} is no MIDI file that can be read ({error}): export it again") from error


_Onset = tuple[float, int, int]


def _read(file: mido.MidiFile) -> tuple[list[_Onset], tuple[int, int] | None, int | None, float]:
    """Return onsets as (steps, note, velocity), the first time signature, the first tempo and the end in steps."""
    onsets: list[tuple[int, _Onset]] = []
    signature, tempo_us, end = None, None, 0
    for track in file.tracks:
        ticks = 0
        for message in track:
            ticks += message.time
            if message.type == "note_on" and message.velocity > 0:
                steps = ticks / file.ticks_per_beat * STEPS_PER_QUARTER
                onsets.append((message.channel, (steps, message.note, message.velocity)))
            elif message.type == "time_signature" and signature is None:
                signature = (message.numerator, message.denominator)
            elif message.type == "set_tempo" and tempo_us is None:
                tempo_us = message.tempo
        end = max(end, ticks)
    drums = [onset for channel, onset in onsets if channel == DRUM_CHANNEL] or [onset for _, onset in onsets]
    return sorted(drums), signature, tempo_us, end / file.ticks_per_beat * STEPS_PER_QUARTER


def _hit(steps: float, voice: DrumVoice, velocity: int, *, last_step: int) -> DrumHit:
    nearest = min(int(steps + 0.5), last_step)
    return DrumHit(step=nearest, voice=voice, velocity=velocity, offset_steps=min(steps - nearest, 0.5))


def _note_events(pattern: DrumPattern) -> Iterator[tuple[int, bool, int, int]]:
    """Yield (tick, on or off, note, velocity); a note ends before the next of its voice begins."""
    end = _ticks(pattern.steps)
    following: dict[DrumVoice, int] = {}
    for hit in reversed(pattern.hits):
        start = min(max(_ticks(hit.step + hit.offset_steps), 0), end - 1)
        stop = min(start + _NOTE_TICKS, following.get(hit.voice, end), end)
        following[hit.voice] = start
        yield start, True, NOTES[hit.voice], hit.velocity
        # Two hits may fall on one tick only by rounding; the note still gets a length.
        yield max(stop, start + 1), False, NOTES[hit.voice], 0


def _ticks(steps: float) -> int:
    return round(steps * TICKS_PER_QUARTER / STEPS_PER_QUARTER)
