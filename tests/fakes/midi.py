"""A MIDI port that keeps what was sent."""

import time


class FakeMidi:
    """Implements the port `MidiOut`."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.times_s: list[float] = []
        self.is_open = True

    def send(self, message: bytes) -> None:
        assert self.is_open
        self.sent.append(message)
        self.times_s.append(time.monotonic())

    def close(self) -> None:
        self.is_open = False
