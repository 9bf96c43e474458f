"""Plays a drum pattern on a MIDI port, in time and with MIDI clock."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Final

from cratehand.domain.clip_note import ClipNote
from cratehand.domain.drum_pattern import check_tempo
from cratehand.domain.errors import UnavailableError
from cratehand.domain.model_ports import MidiOut

logger = logging.getLogger(__name__)

CLOCKS_PER_BEAT: Final = 24
_START, _STOP, _CLOCK = b"\xfa", b"\xfc", b"\xf8"
_NOTE_ON, _NOTE_OFF = 0x99, 0x89
"""On channel 10."""
_ALL_NOTES_OFF: Final = bytes([0xB9, 123, 0])
_LATE_S: Final = 0.002


def timeline(notes: Sequence[ClipNote], *, length_beats: float) -> list[tuple[float, bytes]]:
    """Return the messages of a pattern with their times in beats: start, clock, notes, stop.

    At one time a note ends before the next begins, and the clock comes before both.
    """
    events: list[tuple[float, int, bytes]] = [(0.0, 0, _START), (length_beats, 9, _STOP)]
    clocks = round(length_beats * CLOCKS_PER_BEAT)
    events.extend((tick / CLOCKS_PER_BEAT, 1, _CLOCK) for tick in range(clocks))
    for note in notes:
        end_beats = min(note.start_beats + note.duration_beats, length_beats)
        events.append((note.start_beats, 3, bytes([_NOTE_ON, note.pitch, note.velocity])))
        events.append((end_beats, 2, bytes([_NOTE_OFF, note.pitch, 0])))
    return [(beats, message) for beats, _, message in sorted(events)]


class PatternPlayback:
    """Plays one pattern at a time; a new one takes the place of the last.

    Args:
        open_port: Opens the MIDI port when it is first needed.
    """

    def __init__(self, open_port: Callable[[], MidiOut]) -> None:
        self._open_port = open_port
        self._port: MidiOut | None = None
        self._playing: asyncio.Task[None] | None = None
        self._told = False

    async def play(self, notes: Sequence[ClipNote], *, length_beats: float, tempo_bpm: float) -> None:
        """Begin to play, and return.

        Raises:
            UnavailableError: There is no MIDI port here; the log says so once.
            InvalidInputError: The tempo is none.
        """
        check_tempo(tempo_bpm)
        await self.silence()
        port = await self._opened()
        events = timeline(notes, length_beats=length_beats)
        self._playing = asyncio.create_task(_run(port, events, beat_s=60.0 / tempo_bpm), name="MIDI out")

    async def silence(self) -> None:
        """Stop what plays."""
        playing, self._playing = self._playing, None
        if playing is not None:
            playing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await playing

    async def close(self) -> None:
        """Stop, and give the port back."""
        await self.silence()
        if self._port is not None:
            self._port.close()
            self._port = None

    async def _opened(self) -> MidiOut:
        if self._port is None:
            try:
                self._port = await asyncio.to_thread(self._open_port)
            except UnavailableError as error:
                if not self._told:
                    self._told = True
                    logger.warning("%s", error)
                raise
        return self._port


async def _run(port: MidiOut, events: Sequence[tuple[float, bytes]], *, beat_s: float) -> None:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    try:
        for beats, message in events:
            wait_s = began_s + beats * beat_s - loop.time()
            if wait_s > _LATE_S:
                await asyncio.sleep(wait_s)
            port.send(message)
    except asyncio.CancelledError:
        port.send(_ALL_NOTES_OFF)
        port.send(_STOP)
        raise
