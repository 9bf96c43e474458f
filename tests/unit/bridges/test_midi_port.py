import pytest

from cratehand.domain.errors import UnavailableError
from cratehand_bridges.midi import open_midi_out


def opened():
    try:
        return open_midi_out()
    except UnavailableError as error:
        return error


def test_a_port_opens_and_takes_a_clock() -> None:
    port = opened()
    if isinstance(port, UnavailableError):
        pytest.skip(f"this machine has no MIDI ports: {port}")
    port.send(b"\xf8")
    port.close()


def test_without_ports_one_sentence_says_why() -> None:
    port = opened()
    if not isinstance(port, UnavailableError):
        port.close()
        pytest.skip("this machine has MIDI ports")
    assert str(port).startswith("no MIDI out: ")
