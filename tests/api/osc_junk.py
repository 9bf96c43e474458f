"""Datagrams that are no requests: random bytes, cut and bent messages, other types, bundles, wrong sizes."""

import random
from collections.abc import Iterator

from pythonosc.osc_message_builder import OscMessageBuilder

from tests.api.clients import datagram


def junk(*, seed: int, count: int) -> Iterator[bytes]:
    """Yield `count` datagrams of 1 to 60,000 bytes."""
    rng = random.Random(seed)
    whole = [
        datagram("/cratehand/hello", 1, "1.0", "fuzz", 9, "9", "12", ""),
        datagram("/cratehand/search", 101, 1, "title", 20),
        datagram("/cratehand/ping", 1),
        datagram("/other/address", 1, 2.5, "x"),
    ]
    for number in range(count):
        match number % 7:
            case 0:
                yield rng.randbytes(rng.randrange(1, 1_500))
            case 1:
                message = rng.choice(whole)
                yield message[: rng.randrange(1, len(message) - 4)]
            case 2:
                message = bytearray(rng.choice(whole))
                for _ in range(rng.randrange(1, 8)):
                    message[rng.randrange(11, len(message))] = rng.randrange(256)
                yield bytes(message)
            case 3:
                yield b"#bundle\0" + rng.randbytes(rng.randrange(0, 200))
            case 4:
                builder = OscMessageBuilder("/cratehand/search")
                builder.add_arg(rng.randbytes(30), "b")
                builder.add_arg(rng.random(), "d")
                yield bytes(builder.build().dgram)
            case 5:
                yield b"/cratehand/" + rng.randbytes(rng.choice([5, 60, 600, 60_000]))
            case _:
                tags = bytes(rng.choice(b"ifsbTFNhd[]xyz") for _ in range(rng.randrange(1, 40)))
                padding = b"\0" * (4 - (len(tags) + 1) % 4)
                yield b"/cratehand/ping\0," + tags + padding + rng.randbytes(rng.randrange(0, 64))
