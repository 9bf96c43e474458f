"""What the command line accepts in more than one place."""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Annotated, Final

import typer

from cratehand.app.data_folder import DATA_DIR_VARIABLE

GLOBAL_OPTIONS: Final = ("--data-dir", "--config")
"""Accepted before and after the verb."""
CONFIG_VARIABLE: Final = "CRATEHAND_CONFIG"

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="DIR", envvar=DATA_DIR_VARIABLE, show_envvar=True, help="Data folder to use."),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", envvar=CONFIG_VARIABLE, show_envvar=True, help="Settings file to read."),
]
Json = Annotated[bool, typer.Option("--json", help="Write one JSON document to stdout.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100_000, metavar="N", help="At most so many tracks.")]
Playlist = Annotated[
    str | None, typer.Option("--playlist", metavar="NAME", help="A playlist or folder, or its path: Peak/2024/Techno.")
]
Tempo = Annotated[str | None, typer.Option("--tempo", metavar="BPM", help="126, 120-126, 120- or -126.")]
CamelotKeys = Annotated[
    list[str] | None, typer.Option("--camelot", metavar="KEY", help="8A, or 8A,9A,8B; again for more.")
]
Energy = Annotated[str | None, typer.Option("--energy", metavar="1-10", help="7, 5-7, 5- or -7.")]
Genre = Annotated[str | None, typer.Option("--genre", metavar="TEXT", help="Genre.")]
Year = Annotated[str | None, typer.Option("--year", metavar="YEAR", help="2019, 2019-2022, 2019- or -2022.")]
Rating = Annotated[int | None, typer.Option("--rating", min=0, max=5, metavar="STARS", help="At least so many stars.")]
Octave = Annotated[bool, typer.Option("--octave", help="With --tempo: half and double of it will do too.")]
MixesWith = Annotated[
    str | None, typer.Option("--mixes-with", metavar="KEY", help="8A also finds 7A, 9A and 8B; similar: or `track`.")
]
NotPlayedSince = Annotated[
    str | None, typer.Option("--not-played-since", metavar="DATE", help="2026-01-31; what was never played fits.")
]
Instrumental = Annotated[
    bool | None, typer.Option("--instrumental/--vocal", help="Only those in which no voice (or one) is heard.")
]
Space = Annotated[
    str | None,
    typer.Option(
        "--space", metavar="NAME", help="dna, musicnn, dsp or clap; the best that is there where none is named."
    ),
]
Analysed = Annotated[bool | None, typer.Option("--analysed/--not-analysed", help="Only those (not) analysed.")]

_RANGE: Final = re.compile(r"^\s*(?P<low>\d+(?:[.,]\d+)?)?\s*(?P<dash>-|\.\.)?\s*(?P<high>\d+(?:[.,]\d+)?)?\s*$")


def parse_range(text: str | None, option: str, *, slack: float = 0.0) -> tuple[float, float] | None:
    """Read ``7``, ``5-7``, ``5-`` or ``-7``; a single number means itself give or take `slack`.

    Raises:
        typer.BadParameter: It is none of these, or runs backwards.
    """
    if text is None:
        return None
    match = _RANGE.match(text)
    low, high = (match["low"], match["high"]) if match else (None, None)
    if match is None or (low is None and high is None) or (high is not None and match["dash"] is None):
        raise typer.BadParameter(f"{text!r} is no range: write it like 120-126", param_hint=option)
    first = float(low.replace(",", ".")) if low else 0.0
    if match["dash"] is None:
        return first - slack, first + slack
    last = float(high.replace(",", ".")) if high else 1e9
    if last < first:
        raise typer.BadParameter(f"{text!r} runs backwards: write the lower number first", param_hint=option)
    return first, last


def hoist_global_options(arguments: Sequence[str]) -> list[str]:
    """Bring ``--data-dir`` and ``--config`` to the front, wherever before a ``--`` they stand."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments[:end])
    for word in words:
        if word in GLOBAL_OPTIONS:
            front += [word, *([value] if (value := next(words, None)) is not None else [])]
        elif word.startswith(tuple(f"{option}=" for option in GLOBAL_OPTIONS)):
            front.append(word)
        else:
            rest.append(word)
    return [*front, *rest, *arguments[end:]]


def settle_verb(
    arguments: Sequence[str], groups: Mapping[str, AbstractSet[str]], fallbacks: Mapping[str, str]
) -> list[str]:
    """Bring the second word of verbs like ``watch add`` before its options, and add it where it may be left out.

    Args:
        arguments: With the global options in front.
        groups: Verbs with second words.
        fallbacks: Verb → second word that is meant where none is given: ``track ID`` is ``track show ID``.
    """
    words = list(arguments)
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in GLOBAL_OPTIONS else 1
    if at >= len(words) or words[at] not in groups:
        return words
    verb, rest = words[at], words[at + 1 :]
    place = next((index for index, word in enumerate(rest) if not word.startswith("-")), None)
    if place is None:
        return words
    if rest[place] in groups[verb]:
        second = rest.pop(place)
    elif verb in fallbacks:
        second = fallbacks[verb]
    else:
        return words
    return [*words[: at + 1], second, *rest]
