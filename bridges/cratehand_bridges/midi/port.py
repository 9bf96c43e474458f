"""The virtual port that other programs see as ``cratehand``."""

import importlib
from typing import Any, Final

from cratehand.domain.errors import UnavailableError
from cratehand.domain.model_ports import MidiOut

PORT_NAME: Final = "cratehand"


class VirtualPort:
    """Implements the port `MidiOut` with RtMidi."""

    def __init__(self, output: Any) -> None:
        self._output = output

    def send(self, message: bytes) -> None:
        self._output.send_message(list(message))

    def close(self) -> None:
        self._output.close_port()
        self._output.delete()


def open_midi_out() -> MidiOut:
    """Open the virtual port.

    Raises:
        UnavailableError: RtMidi is not installed, or the system has no MIDI ports, or no virtual ones.
    """
    try:
        # By name: the package has no types, and its parts are compiled.
        rtmidi: Any = importlib.import_module("rtmidi")
    except ImportError as error:
        raise UnavailableError(
            "no MIDI out: python-rtmidi is not installed for this Python, use 3.11 or 3.12"
        ) from error
    try:
        output = rtmidi.MidiOut()
        output.open_virtual_port(PORT_NAME)
    except NotImplementedError as error:
        raise UnavailableError("no MIDI out: Windows has no virtual ports, install loopMIDI") from error
    except (SystemError, RuntimeError, OSError) as error:
        # ALSA without its sequencer raises SystemError, others an error of RtMidi's, which is a RuntimeError.
        raise UnavailableError(f"no MIDI out: this system has no MIDI ports ({error})") from error
    return VirtualPort(output)
