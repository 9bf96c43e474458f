"""A virtual MIDI port; `open_midi_out` is what others use."""

from cratehand_bridges.midi.port import open_midi_out

__all__ = ["open_midi_out"]
