import asyncio
import logging

import pytest

from cratehand.domain.clip_note import ClipNote
from cratehand.domain.errors import InvalidInputError, UnavailableError
from cratehand.usecases.pattern_playback import PatternPlayback, timeline
from tests.fakes.midi import FakeMidi

NOTES = [ClipNote(pitch=36, start_beats=float(beat), velocity=100, duration_beats=0.25) for beat in range(4)]


def test_a_bar_has_96_clocks_between_start_and_stop() -> None:
    events = timeline(NOTES, length_beats=4.0)
    messages = [message for _, message in events]
    assert (messages[0], messages[-1]) == (b"\xfa", b"\xfc")
    assert messages.count(b"\xf8") == 96
    assert [(beats, message) for beats, message in events if message[0] == 0x99] == [
        (float(beat), bytes([0x99, 36, 100])) for beat in range(4)
    ]
    assert [beats for beats, message in events if message[0] == 0x89] == [0.25, 1.25, 2.25, 3.25]


def test_a_note_ends_before_the_next_one_begins() -> None:
    notes = [ClipNote(pitch=36, start_beats=start, velocity=9, duration_beats=1.0) for start in (0.0, 1.0)]
    kinds = [message[0] for beats, message in timeline(notes, length_beats=2.0) if beats == 1.0]
    assert kinds == [0xF8, 0x89, 0x99]


async def test_a_pattern_is_played_in_time() -> None:
    port = FakeMidi()
    playback = PatternPlayback(lambda: port)
    await playback.play(NOTES, length_beats=4.0, tempo_bpm=300.0)
    async with asyncio.timeout(10):
        while b"\xfc" not in port.sent:
            await asyncio.sleep(0.02)
    strikes = [at for at, message in zip(port.times_s, port.sent, strict=True) if message[0] == 0x99]
    # A beat is 0.2 s; the machine may be busy, but notes never come early.
    assert strikes[3] - strikes[0] > 0.55
    await playback.close()
    assert not port.is_open


async def test_another_pattern_silences_the_first() -> None:
    port = FakeMidi()
    playback = PatternPlayback(lambda: port)
    await playback.play(NOTES, length_beats=64.0, tempo_bpm=60.0)
    await asyncio.sleep(0.05)
    await playback.play(NOTES, length_beats=64.0, tempo_bpm=60.0)
    await asyncio.sleep(0.05)
    await playback.close()
    assert port.sent.count(b"\xfa") == 2
    assert port.sent.count(bytes([0xB9, 123, 0])) == 2


async def test_without_ports_it_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    def none_here() -> FakeMidi:
        raise UnavailableError("no MIDI out: this system has no MIDI ports")

    playback = PatternPlayback(none_here)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with pytest.raises(UnavailableError, match="no MIDI ports"):
                await playback.play(NOTES, length_beats=4.0, tempo_bpm=120.0)
    assert len(caplog.records) == 1
    with pytest.raises(InvalidInputError):
        await playback.play(NOTES, length_beats=4.0, tempo_bpm=0.0)
