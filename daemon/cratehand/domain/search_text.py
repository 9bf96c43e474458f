"""What a DJ types into one line: filters are read out of it, the rest are free words.

``dusty rhodes, no vocals, 118-121`` asks for tempos of 118 to 121, no voice, and words for the sound. Pure and total:
whatever is not understood stays a word.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from cratehand.domain.key import parse_key
from cratehand.domain.search import TrackFilter
from cratehand.domain.sound_tags import genre_key

_SLACK_BPM: Final = 0.5
_LONGEST: Final = 1_000
_TEMPOS_BPM: Final = (40.0, 300.0)
_YEARS: Final = (1900, 2099)

_NUMBER: Final = r"\d{2,3}(?:\.\d+)?"
_DASH: Final = r"\s*(?:-|–|\.\.|to)\s*"
_BPM: Final = r"\s*bpm\b"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedSearch:
    """What a line of text asks for."""

    filter: TrackFilter = field(default_factory=TrackFilter)
    words: tuple[str, ...] = ()
    """What the track is to sound or be called like, in order."""
    unwanted: tuple[str, ...] = ()
    """What it is not to sound like; also kept out of its texts by the filter."""

    @property
    def has_filter(self) -> bool:
        """Whether anything but words was understood."""
        return self.filter != TrackFilter()


def parse_search(text: str, *, genres: Iterable[str] = ()) -> ParsedSearch:
    """Read filters out of a text.

    Understood are tempos (``118-121``, ``126 bpm``, ``over 140 bpm``), keys (``8A``, ``in F# minor``, ``mixes with
    8A``), energy (``energy 6-8``, ``high energy``, ``peak time``, ``warm-up``), voice (``no vocals``, ``instrumental``,
    ``with vocals``), years (``1998``, ``1995-1999``, ``90s``) and genres of the collection where one stands alone
    between commas, stars (``4 stars``), ``not played since 2026-01-31``, and ``no``, ``not`` or ``without`` before
    a word or a genre.

    Args:
        text: What was typed; only its first 1,000 characters are read.
        genres: The collection's names of genres, the most used first.
    """
    names: dict[str, str] = {}
    for name in genres:
        names.setdefault(genre_key(name), name)
    found = ParsedSearch()
    parts = [part.strip() for part in re.split(r"[,;\n]+", text[:_LONGEST]) if part.strip()]
    for part in parts:
        found = _part(found, part, names, alone=len(parts) == 1)
    return found


def _part(found: ParsedSearch, part: str, genres: Mapping[str, str], *, alone: bool) -> ParsedSearch:
    rest, wanted = part, found.filter
    for pattern, read in _PATTERNS:
        while match := pattern.search(rest):
            if (changed := read(wanted, match)) is None:
                break
            wanted = changed
            rest = f"{rest[: match.start()]} {rest[match.end() :]}"
    rest = " ".join(rest.split()).strip(" -–/")
    found = replace(found, filter=wanted)
    if negated := _NEGATION.fullmatch(rest):
        return _without(found, negated["what"], genres)
    if match := _NEGATION_INSIDE.search(rest):
        found = _without(found, match["what"], genres)
        rest = " ".join((rest[: match.start()] + rest[match.end() :]).split())
    if (name := genres.get(genre_key(rest))) and wanted.genre is None:
        return replace(found, filter=replace(wanted, genre=name))
    # A number alone may be the name of a track: then it stays a word.
    if not alone and _YEAR.fullmatch(rest) and wanted.year is None:
        return replace(found, filter=replace(wanted, year=(int(rest), int(rest))))
    return replace(found, words=(*found.words, *rest.split()))


def _without(found: ParsedSearch, what: str, genres: Mapping[str, str]) -> ParsedSearch:
    if name := genres.get(genre_key(what)):
        return replace(found, filter=replace(found.filter, not_genres=found.filter.not_genres | {name}))
    wanted = replace(found.filter, without_words=(*found.filter.without_words, what))
    return replace(found, filter=wanted, unwanted=(*found.unwanted, what))


def _tempo(wanted: TrackFilter, match: re.Match[str]) -> TrackFilter | None:
    low = float(match["low"])
    high = float(match["high"]) if match["high"] else low
    if not _TEMPOS_BPM[0] <= low <= high <= _TEMPOS_BPM[1]:
        return None
    slack = 0.0 if match["high"] else _SLACK_BPM
    return replace(wanted, tempo_bpm=(low - slack, high + slack))


def _tempo_limit(wanted: TrackFilter, match: re.Match[str]) -> TrackFilter | None:
    limit = float(match["limit"])
    over = match["word"].lower() in {"over", "above", "from"}
    return replace(wanted, tempo_bpm=(limit, 1e9) if over else (0.0, limit))


def _camelot(wanted: TrackFilter, match: re.Match[str]) -> TrackFilter | None:
    key = parse_key(match["key"])
    return None if key is None else replace(wanted, camelot=wanted.camelot | {key.camelot})


def _mixes(wanted: TrackFilter, match: re.Match[str]) -> TrackFilter | None:
    key = parse_key(match["key"])
    return None if key is None else replace(wanted, mixes_with=key.camelot)


def _energy(wanted: TrackFilter, match: re.Match[str]) -> TrackFilter | None:
    low = int(match["low"])
    high = int(match["high"]) if match["high"] else low
    return replace(wanted, energy=(low, high)) if 1 <= low <= high <= 10 else None


def _decade(wanted: TrackFilter, match: re.Match[str]) -> TrackFilter:
    written = match["decade"]
    tens = int(written[-2:]) // 10 * 10
    century = int(written[:2]) * 100 if len(written) == 4 else 2000 if tens < 30 else 1900
    return replace(wanted, year=(century + tens, century + tens + 9))


def _years(wanted: TrackFilter, match: re.Match[str]) -> TrackFilter | None:
    low, high = int(match["low"]), int(match["high"])
    return replace(wanted, year=(low, high)) if _YEARS[0] <= low <= high <= _YEARS[1] else None


def _not_played(wanted: TrackFilter, match: re.Match[str]) -> TrackFilter | None:
    try:
        day = dt.date.fromisoformat(match["date"])
    except ValueError:
        return None
    # The day as it begins in Greenwich: pure, and no one remembers a set by the hour.
    since = dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)
    return replace(wanted, not_played_since_s=since.timestamp())


def _setting(**changes: object) -> Callable[[TrackFilter, re.Match[str]], TrackFilter]:
    def read(wanted: TrackFilter, match: re.Match[str]) -> TrackFilter:
        return replace(wanted, **changes)  # type: ignore[arg-type]  # each entry below names fields of TrackFilter

    return read


def _stars(wanted: TrackFilter, match: re.Match[str]) -> TrackFilter:
    return replace(wanted, rating_at_least=int(match["stars"]))


_KEY_WORDS: Final = r"[A-G](?:#|b)?\s*(?:maj(?:or)?|min(?:or)?)\b"
_CODE: Final = r"\b(?:1[0-2]|0?[1-9])[AB]\b"
_NO: Final = r"(?:no|not|without|w/o|minus)"
_VOICE: Final = r"(?:vocals?|voices?|singing|singers?|lyrics)"

Reader = Callable[[TrackFilter, re.Match[str]], TrackFilter | None]


def _readers(*entries: tuple[str, Reader]) -> tuple[tuple[re.Pattern[str], Reader], ...]:
    return tuple((re.compile(pattern, re.IGNORECASE), read) for pattern, read in entries)


_PATTERNS: Final = _readers(
    (r"\b(?:not|never) played since\s+(?P<date>\d{4}-\d\d-\d\d)\b", _not_played),
    (rf"\b{_NO}\s+{_VOICE}\b|\binstrumentals?\b|\bvocal-?free\b", _setting(instrumental=True)),
    (rf"\b(?:with|has)\s+{_VOICE}\b", _setting(instrumental=False)),
    (rf"\b(?:mix(?:es|ing)?|compatible|goes)\s+with\s+(?P<key>{_CODE}|{_KEY_WORDS})", _mixes),
    (rf"(?:\b(?:in|key)\s+)?(?P<key>{_CODE}|\b{_KEY_WORDS})", _camelot),
    (r"\b(?:in|key)\s+(?P<key>[A-G](?:#|b)?m)\b", _camelot),
    (rf"\benergy\s*(?P<low>\d+)(?:{_DASH}(?P<high>\d+))?\b", _energy),
    (r"\b(?:high energy|peak[ -]?time)\b", _setting(energy=(7, 10))),
    (r"\b(?:low energy|warm[ -]?up)\b", _setting(energy=(1, 4))),
    (r"\b(?:medium|mid) energy\b", _setting(energy=(4, 7))),
    (r"\b(?P<stars>[1-5])\+?\s*stars?\b", _stars),
    (rf"\b(?P<low>(?:19|20)\d\d){_DASH}(?P<high>(?:19|20)\d\d)\b", _years),
    (r"\b(?P<decade>(?:19|20)?\d0)'?s\b", _decade),
    (rf"\b(?P<word>over|above|from|under|below|up to)\s+(?P<limit>{_NUMBER}){_BPM}", _tempo_limit),
    (rf"(?<![\w.-])(?P<low>{_NUMBER}){_DASH}(?P<high>{_NUMBER})(?:{_BPM}|(?![\w.-]))", _tempo),
    (rf"(?<![\w.-])(?P<low>{_NUMBER})(?P<high>){_BPM}", _tempo),
)
_NEGATION: Final = re.compile(rf"{_NO}\s+(?P<what>.+)", re.IGNORECASE)
_NEGATION_INSIDE: Final = re.compile(r"\b(?:without|w/o|minus)\s+(?P<what>\S+)", re.IGNORECASE)
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
