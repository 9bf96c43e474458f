"""Datagrams: one OSC 1.0 message of the types i, f and s, and back."""

import math
from dataclasses import dataclass
from typing import Final

from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.osc_message_builder import OscMessageBuilder

from cratehand.servers.osc.addresses import OUTWARD, Value

LARGEST_SENT_BYTES: Final = 1_200
"""Loopback and Max carry that much for certain."""

_LONGEST_ADDRESS: Final = 64
_MOST_ARGUMENTS: Final = 220
_LONGEST_SENT_TEXT_BYTES: Final = 300


class MalformedDatagramError(ValueError):
    """What came in is not one OSC message of ours."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it came in."""

    path: str
    values: list[Value]


def decode(datagram: bytes) -> Message:
    """Read one datagram of at most 65,535 bytes.

    The shape is looked at here first: python-osc logs a line for each type it doesn't know.

    Raises:
        MalformedDatagramError: Bundles, blobs and other types, foreign addresses, cut or random bytes.
    """
    if not datagram.startswith(b"/cratehand/"):
        kind = (
            "a bundle: send one message a datagram" if datagram.startswith(b"#bundle") else "no message for cratehand"
        )
        raise MalformedDatagramError(kind)
    _check_types(datagram)
    try:
        message = OscMessage(datagram)
        values: list[Value] = message.params
    except (ParseError, ValueError) as error:
        raise MalformedDatagramError("cut off, or no UTF-8") from error
    if any(isinstance(value, float) and not math.isfinite(value) for value in values):
        raise MalformedDatagramError("a number that is not finite")
    return Message(path=message.address, values=values)


def _check_types(datagram: bytes) -> None:
    end = datagram.find(b"\0", 0, _LONGEST_ADDRESS)
    if len(datagram) % 4 or end < 0 or not datagram[:end].isascii():
        raise MalformedDatagramError("not padded to four bytes, or no end of the address")
    begin = (end // 4 + 1) * 4
    tags_end = datagram.find(b"\0", begin, begin + _MOST_ARGUMENTS + 2)
    if begin == len(datagram):
        return
    if tags_end < 0 or datagram[begin : begin + 1] != b"," or datagram[begin + 1 : tags_end].strip(b"ifs"):
        raise MalformedDatagramError("types other than i, f and s, or too many arguments")


def encode(path: str, *values: Value) -> bytes:
    """Build the datagram of an address of the table; texts are cut to 300 bytes, so that it always fits.

    Raises:
        KeyError: The table has no such address from us.
        ValueError: The values are not those of the table.
    """
    builder = OscMessageBuilder(address=path)
    arguments = OUTWARD[path].arguments
    while len(arguments) > len(values) and arguments[-1].optional:
        arguments = arguments[:-1]
    for argument, value in zip(arguments, values, strict=True):
        builder.add_arg(_cut(value) if isinstance(value, str) else value, argument.type)
    datagram = bytes(builder.build().dgram)
    if len(datagram) > LARGEST_SENT_BYTES:
        raise ValueError(f"{path} has {len(datagram)} bytes")
    return datagram


def _cut(text: str) -> str:
    raw = text.replace("\0", " ").encode("utf-8", "backslashreplace")
    return raw[:_LONGEST_SENT_TEXT_BYTES].decode("utf-8", "ignore")
