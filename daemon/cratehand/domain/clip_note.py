"""A note of a MIDI clip, as sequencers count: pitch, beats, velocity."""

from dataclasses import dataclass

from cratehand.domain.errors import InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipNote:
    """One note; a beat is a quarter, whatever the metre."""

    pitch: int
    """MIDI note number, 0..127."""
    start_beats: float
    velocity: int
    """1..127."""
    duration_beats: float = 0.125

    def __post_init__(self) -> None:
        if not 0 <= self.pitch <= 127 or not 1 <= self.velocity <= 127 or self.start_beats < 0:
            raise InvalidInputError(
                f"a note has a pitch of 0 to 127, a velocity of 1 to 127 and starts at 0 or later, not {self}"
            )
