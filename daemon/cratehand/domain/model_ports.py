"""The ports of models and of what plays: stems, tags, words and sounds, drums, MIDI.

Synchronous like those of `cratehand.domain.ports`; each model behind them loads at its first use.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from cratehand.domain.audio import Samples
from cratehand.domain.clip_note import ClipNote
from cratehand.domain.drum_pattern import DrumPattern, Metre
from cratehand.domain.drum_request import DrumRequest, GivenDrums
from cratehand.domain.embedding import EmbeddingSpace, Vector
from cratehand.domain.sound_tags import SoundDescription
from cratehand.domain.stem import StemKind


class StemSeparator(Protocol):
    """Separates a mix, window by window."""

    @property
    def name(self) -> str:
        """Model and version; stems of two names are never taken for each other."""
        ...

    @property
    def kinds(self) -> tuple[StemKind, ...]:
        """The stems, in the order in which they come."""
        ...

    @property
    def sample_rate_hz(self) -> int: ...

    @property
    def window_frames(self) -> int:
        """How many frames it takes at once."""
        ...

    def separate(self, mix: Samples) -> Samples:
        """Separate one window.

        Args:
            mix: float32 ``(2, window_frames)``.

        Returns:
            float32 ``(stems, 2, window_frames)``, in the order of `kinds`.

        Raises:
            NotFoundError: The weights are not here.
            UnavailableError: The model failed, or the memory does not suffice.
        """


class StemPacker(Protocol):
    """Puts a mix and its stems into one file."""

    def pack(self, target: Path, *, source: Path, mix: Path, stems: Sequence[tuple[StemKind, Path]]) -> None:
        """Write a ``.stem.mp4``, whole or not at all.

        Args:
            target: The file, of any name.
            source: The track, whose tags come along.
            mix: FLAC, stereo.
            stems: Four, FLAC like the mix and as long, in the order in which they are shown.

        Raises:
            UnavailableError: It can't be written.
            UnsupportedError: There is no ffmpeg for this platform.
        """
        ...


class SoundDescriber(Protocol):
    """Says in words, and as a vector, what a track sounds like."""

    def describe(self, excerpts: Sequence[Samples], *, sample_rate_hz: int) -> SoundDescription | None:
        """Listen to excerpts of one track.

        Args:
            excerpts: Each float32 ``(1, frames)``, three seconds or less.
            sample_rate_hz: Their rate.

        Returns:
            The description; None where there is no excerpt.

        Raises:
            UnavailableError: It can't run now.
            CorruptFileError: What it runs is damaged.
        """
        ...


class SoundPlacer(Protocol):
    """Says where the sound of a track lies in the space of a model."""

    @property
    def space(self) -> EmbeddingSpace: ...

    @property
    def sample_rate_hz(self) -> int: ...

    @property
    def window_frames(self) -> int:
        """How long a window is that it takes, at its rate."""
        ...

    def place(self, windows: Sequence[Samples]) -> Vector | None:
        """Return where a track lies.

        Args:
            windows: Of one track, each float32 ``(1, frames)`` of at most `window_frames`.

        Returns:
            A vector of `space`, unit length; None where there is no window.

        Raises:
            NotFoundError: The weights are not here.
            UnavailableError: It can't run now.
            CorruptFileError: What it runs is damaged.
        """
        ...


class DnaFuser(Protocol):
    """Joins what is measured on a track and what a model heard in it to one vector."""

    def fuse(self, features: Vector, sound: SoundDescription) -> Vector:
        """Return the place of a track in `cratehand.domain.embedding.DNA_SPACE`.

        Args:
            features: The numbers that `cratehand.analysis.dna.features` names, float32.
            sound: What was heard in the same track.

        Returns:
            float32 ``(512,)`` of unit length, read-only.

        Raises:
            InvalidInputError: So many numbers it was not trained on, or they are not finite.
            UnavailableError: It can't run now.
            CorruptFileError: What it runs is damaged.
        """
        ...


class TextListener(Protocol):
    """Knows which sound words mean: tags by their names, a model of language, a model of text and sound."""

    @property
    def name(self) -> str:
        """Short name; said with what it finds."""
        ...

    @property
    def space(self) -> EmbeddingSpace:
        """Where its answers lie; tracks are compared with them there."""
        ...

    def place(self, words: Sequence[str], unwanted: Sequence[str]) -> Vector | None:
        """Return where words lie among sounds.

        Args:
            words: What a track is to sound like.
            unwanted: What it is not to sound like.

        Returns:
            A vector of `space` (in `TAG_SPACE` the weight of each tag, unwanted ones below 0); None where the words
            say nothing about sound.
        """
        ...


class DrumGenerator(Protocol):
    """Writes drum patterns in the styles it knows."""

    @property
    def name(self) -> str:
        """Name and version."""
        ...

    def styles(self) -> Mapping[str, float]:
        """Return its styles with the usual tempo of each in BPM; raises `UnavailableError` where it can't run."""
        ...

    def generate(self, request: DrumRequest) -> DrumPattern:
        """Write a pattern of the length, metre and tempo that are wanted; the same request gives the same pattern.

        Raises:
            UnavailableError: It can't run here.
            UnsupportedError: It does not know this metre.
        """
        ...


class MidiOut(Protocol):
    """A MIDI port that other programs listen to."""

    def send(self, message: bytes) -> None:
        """Send one MIDI message now."""
        ...

    def close(self) -> None:
        """Give the port back."""
        ...


class DrumFiles(Protocol):
    """Drum patterns as the bytes of a MIDI file."""

    def parse(self, data: bytes, *, name: str, metre: Metre | None = None) -> GivenDrums:
        """Read a pattern; `name` stands in errors, `metre` wins over what the file says.

        Raises:
            CorruptFileError: It is no MIDI file.
            InvalidInputError: It has no drums, or is too long.
        """
        ...

    def write(self, pattern: DrumPattern) -> bytes:
        """Return the file; the same pattern gives the same bytes."""
        ...

    def notes(self, pattern: DrumPattern) -> Sequence[ClipNote]:
        """Return a pattern as the notes of a clip, ascending in time."""
        ...

    def given(self, notes: Sequence[ClipNote], *, bars: int, metre: Metre, tempo_bpm: float) -> GivenDrums:
        """Read the notes of a clip as a pattern; notes behind its end are left out.

        Raises:
            InvalidInputError: None of them is a drum.
        """
        ...
