"""Every OSC address in one typed table: dispatch, checks and the printed documentation read it.

Strings are few and bounded, since Max keeps every distinct one for ever: numbers of requests stand for the tracks and
jobs they named, states are one of five words, tokens are reused within a session, and bulk goes over HTTP.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from cratehand.domain.errors import InvalidInputError

PROTOCOL_VERSION: Final = 1
"""What the first argument of a hello has to be."""

LONGEST_TEXT: Final = 4_096
"""Characters of one text argument that are read; paths are that long at most."""

Value = int | float | str
"""What an argument is: OSC types i, f and s."""


class Direction(StrEnum):
    """Who sends it."""

    IN = "to cratehand"
    OUT = "from cratehand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One argument: its name (units in it) and OSC type."""

    name: str
    type: Literal["i", "f", "s"]
    optional: bool = False
    repeats: bool = False
    """Whether any number of it may follow; only the last one does."""

    def __str__(self) -> str:
        return (
            f"[{self.name}:{self.type}{'...' if self.repeats else ''}]" if self.optional else f"{self.name}:{self.type}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One address, what comes with it, and what it does."""

    path: str
    direction: Direction
    arguments: tuple[Argument, ...]
    does: str

    @property
    def repeats(self) -> bool:
        """Whether its last argument may come any number of times."""
        return bool(self.arguments) and self.arguments[-1].repeats

    @property
    def is_request(self) -> bool:
        """Whether it begins with session and request, and so gets an ack or an err."""
        return self.direction is Direction.IN and [argument.name for argument in self.arguments[:2]] == _PAIR_NAMES

    def __str__(self) -> str:
        return " ".join([self.path, *map(str, self.arguments)])


_PAIR_NAMES: Final = ["session", "request"]


def _arguments(text: str) -> tuple[Argument, ...]:
    """Read ``name:i name:s [name:i] [name:i...]``."""
    found = []
    for word in text.split():
        name, _, kind = word.strip("[].").partition(":")
        if kind not in {"i", "f", "s"}:
            raise ValueError(f"{word!r} names no OSC type")
        argument = Argument(name=name, type=kind, optional=word.startswith("["), repeats="..." in word)  # type: ignore[arg-type]  # checked above
        found.append(argument)
    return tuple(found)


def _table(direction: Direction, rows: Sequence[tuple[str, str, str]]) -> tuple[Address, ...]:
    return tuple(
        Address(path=f"/cratehand/{name}", direction=direction, arguments=_arguments(arguments), does=does)
        for name, arguments, does in rows
    )


_PAIR: Final = "session:i request:i"

_IN: Final = _table(
    Direction.IN,
    [
        (
            "hello",
            "protocol:i device_version:s instance:s reply_port:i max_version:s live_version:s capabilities:s",
            "begin a session; answered by welcome. The same instance again ends its earlier session. From another "
            "computer capabilities has to hold token=TOKEN; echo asks for the instance and the folder in the welcome",
        ),
        ("ping", "n:i [session:i]", "answered by pong, also before a hello; keeps the session alive (60 s)"),
        ("bye", _PAIR, "end the session"),
        ("status", _PAIR, "how the daemon is, as a result"),
        ("search", f"{_PAIR} text:s [limit:i]", "tracks that hold all words, as a result; limit 1..100, else 20"),
        ("similar", f"{_PAIR} track:s [limit:i]", "tracks nearest to a track (id or path), as a result"),
        (
            "track",
            f"{_PAIR} track:s",
            "what is known of a track, as a result; its news come as event/track from now on",
        ),
        (
            "find",
            f"{_PAIR} text:s tempo_from:f tempo_to:f key:s mixes:i energy_from:i [limit:i]",
            "tracks that hold all words and fit, as a result; 0, an empty key and 1 ask nothing; mixes 1 takes the "
            "neighbours of the key too",
        ),
        (
            "matching",
            f"{_PAIR} tempo:f key:s [limit:i]",
            "tracks that mix with a tempo (0: any) and a key (empty: any), as a result",
        ),
        (
            "clip",
            f"{_PAIR} clip:i part:i parts:i [note:i...]",
            "the notes of a clip for drums to start from, at most 200 a part; a note is start in 1/480 beats * 16384 + "
            "pitch * 128 + velocity",
        ),
        (
            "drums",
            f"{_PAIR} style:s bars:i density:f swing:f seed:i tempo:f beats:i unit:i how:s clip:i [given_bars:i]",
            "a drum pattern as notes, as a result; density -1 and swing 0: as the style has it, else 0..1 and 50..75; "
            "how continue fill humanise vary tap with a clip that was sent before, else empty and 0; given_bars: the "
            "length of that clip where it is not bars, which continue may add to any clip",
        ),
        (
            "play",
            f"{_PAIR} drums:i tempo:f",
            "play the pattern that this request for drums made on the MIDI port, once, with clock",
        ),
        ("silence", _PAIR, "stop what plays on the MIDI port"),
        (
            "stems",
            f"{_PAIR} track:s",
            "separate a track; a job, whose progress comes as event/job, the files as a result when they are there",
        ),
        ("cancel", f"{_PAIR} begun_by:i", "cancel the job that this earlier request of the session began"),
        ("analyse", f"{_PAIR} track:s", "analyse a track anew; the job's news come as event/job"),
        ("pause", _PAIR, "stop background work until resume"),
        ("resume", _PAIR, "let background work go on"),
        (
            "subscribe",
            f"{_PAIR} events:s",
            "which events are wanted from now on: track tracks job jobs collection quiet, or all, or nothing",
        ),
        ("resync", _PAIR, "after a gap in sequence: state of everything that is followed, as a result"),
    ],
)
_OUT: Final = _table(
    Direction.OUT,
    [
        (
            "welcome",
            "protocol:i session:i http_port:i capabilities:s [instance:s] [folder:s]",
            "the session has begun; folder is where the device may write what it fetches",
        ),
        ("pong", "n:i", "answer to ping"),
        ("ack", _PAIR, "done; or, where it takes longer than 100 ms, accepted: a result or an err follows"),
        (
            "err",
            f"{_PAIR} code:s text:s",
            "it failed; codes as in gRPC, and unknown_session (say hello again); 0 0 where no request is meant",
        ),
        ("result", f"{_PAIR} token:s count:i", "fetch http://HOST:http_port/m4l/TOKEN within 30 s: JSON, count items"),
        ("event/track", "sequence:i request:i what:s", "the track that this request named was changed or analysed"),
        ("event/tracks", "sequence:i added:i changed:i analysed:i", "how many tracks since the last such event"),
        (
            "event/job",
            "sequence:i request:i state:s progress:f",
            "the analysis or separation that this request began: queued running done failed cancelled; progress 0..1",
        ),
        ("event/jobs", "sequence:i queued:i running:i done:i failed:i", "all jobs of the queue, at most once a second"),
        ("event/collection", "sequence:i added:i changed:i removed:i", "a read of the DJ's collection has come in"),
        ("event/quiet", "sequence:i quiet:i reason:s", "background work has stopped (1) or goes on (0)"),
    ],
)

ADDRESSES: Final = (*_IN, *_OUT)
"""All addresses, those that devices send first."""

INWARD: Final = {address.path: address for address in _IN}
OUTWARD: Final = {address.path: address for address in _OUT}


def table_rows() -> list[tuple[str, str, str, str]]:
    """Return the table for people: address, arguments, direction, what it does."""
    return [
        (address.path, " ".join(map(str, address.arguments)), address.direction.value, address.does)
        for address in ADDRESSES
    ]


def read_arguments(address: Address, values: Sequence[Value]) -> dict[str, Value]:
    """Return the arguments by name; optional ones that are absent are absent.

    Max and Pd send a word of digits as a number and every number as a float: a whole float is taken for an int, a
    number for a text.

    Raises:
        InvalidInputError: Too few, too many, or of another type.
    """
    least = sum(not argument.optional for argument in address.arguments)
    if not least <= len(values) <= len(address.arguments) and not (address.repeats and len(values) >= least):
        raise InvalidInputError(f"{len(values)} arguments; it is {address}")
    return {
        argument.name: _value(address, argument, value)
        for argument, value in zip(address.arguments, values, strict=False)
    }


def rest_of(address: Address, values: Sequence[Value]) -> list[Value]:
    """Return the values of the argument that repeats.

    Raises:
        InvalidInputError: One is of another type.
    """
    first, argument = len(address.arguments) - 1, address.arguments[-1]
    return [_value(address, argument, value) for value in values[first:]]


def _value(address: Address, argument: Argument, value: Value) -> Value:
    match argument.type, value:
        case "i", float() if value.is_integer() and abs(value) < 2**31:
            return int(value)
        case ("i", int()) | ("f", float()):
            return value
        case "f", int():
            return float(value)
        case "s", int() | float():
            return f"{value:g}" if isinstance(value, float) else str(value)
        case "s", str() if len(value) <= LONGEST_TEXT:
            return value
        case "s", str():
            raise InvalidInputError(f"{argument.name} has {len(value)} characters, at most {LONGEST_TEXT} are read")
        case _:
            raise InvalidInputError(f"{argument.name} is of another type; it is {address}")
