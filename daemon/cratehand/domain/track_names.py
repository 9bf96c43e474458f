"""Names of tracks made comparable: artists as a set, a title without decoration, the version by its words."""

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

LONGEST_NAME: Final = 400
"""Characters of a title or an artist that are looked at."""

_LETTERS: Final = str.maketrans({
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i",
    "’": "'", "‘": "'", "´": "'", "`": "'",
})  # fmt: skip
"""Letters that Unicode does not decompose, and the spellings of the apostrophe."""
_WORD: Final = re.compile(r"\w+")
_BRACKETS: Final = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]|\{([^{}]*)\}")
_TAIL: Final = re.compile(r"\s+[-–—]\s+([^-–—]+)$")
_FEATURING: Final = re.compile(
    r"\s(?:feat|ft|featuring)\b\.?\s+(.*)$|^(?:feat|ft|featuring|with)\b\.?\s+(.*)$", re.IGNORECASE
)
_ARTIST_SPLIT: Final = re.compile(
    r"\s*(?:[,;&/+]|\b(?:and|und|et|x|vs|versus|feat|ft|featuring|with|pres|presents|meets)\b\.?)\s*", re.IGNORECASE
)

_KINDS: Final = {
    "remix": "remix", "rmx": "remix", "remixed": "remix", "rework": "remix", "reworked": "remix", "refix": "remix",
    "bootleg": "remix", "flip": "remix", "mashup": "mashup", "dub": "dub", "edit": "edit", "reedit": "edit",
    "live": "live", "instrumental": "instrumental", "instr": "instrumental", "inst": "instrumental",
    "extended": "extended", "ext": "extended", "radio": "radio", "club": "club", "vip": "vip", "acapella": "acapella",
    "acappella": "acapella", "cappella": "acapella", "capella": "acapella", "acoustic": "acoustic", "demo": "demo",
    "cover": "cover", "unplugged": "acoustic", "karaoke": "instrumental", "reprise": "reprise", "beatless": "beatless",
}  # fmt: skip
"""Words that make another version, and what they are the same as."""
_NEUTRAL: Final = frozenset(
    {
        "mix", "mixed", "version", "original", "album", "single", "full", "main", "lp", "ep", "remaster", "remastered",
        "the", "a", "by", "of", "stereo", "mono", "digital", "clean", "explicit", "dirty", "edition", "re", "track",
        "dj", "s",
    }
)  # fmt: skip
"""Words of a version that make none: "Original Mix" is the plain title."""
_VERSION_WORDS: Final = _KINDS.keys() | {"mix", "version", "original", "remaster", "remastered", "edition"}
_POSSESSIVE: Final = re.compile(r"['’´`]s\b", re.IGNORECASE)
_YEAR: Final = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What sets a version apart from the plain title."""

    kinds: frozenset[str] = frozenset()
    """Of `_KINDS`: remix, dub, edit, live, instrumental, extended, radio, club ..."""
    names: frozenset[str] = frozenset()
    """Who made it, as words."""

    def agreement(self, other: "Version") -> float:
        """Return 1 for the same version, 0.9 for a remix of which one side names no maker, 0 for different versions."""
        if self.kinds != other.kinds:
            return 0.0
        if self.names and other.names:
            shared = len(self.names & other.names)
            return 1.0 if shared == min(len(self.names), len(other.names)) else 0.0
        if self.names == other.names:
            return 1.0
        # "Title (Remix)" may be "Title (Somebody Remix)", but "Title" is not "Title (Somebody's Mix)".
        return 0.9 if "remix" in self.kinds else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """Artist and title of one track, comparable."""

    artists: frozenset[str]
    title: str
    """Words of the title without brackets, one blank between them."""
    long_title: str
    """The same with the words in round brackets that are no version: ``i can t get no satisfaction``."""
    version: Version


@lru_cache(maxsize=1 << 14)
def normalise(text: str) -> str:
    """Return lower-case words without accents and punctuation, one blank between them."""
    folded = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    decomposed = unicodedata.normalize("NFKD", folded)
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(_WORD.findall(plain.replace("'", "").replace("_", " ")))


def parse_name(artist: str | None, title: str | None, *, mix: str | None = None) -> Name:
    """Make artist and title comparable.

    Args:
        artist: One or several artists in one text, joined in any usual way.
        title: With version and featured artists in brackets, after a dash, or not at all.
        mix: The version where it stands in a field of its own.
    """
    parts = _Parts()
    parts.artists |= _artists((artist or "")[:LONGEST_NAME])
    whole = (title or "")[:LONGEST_NAME]
    short, long = whole, whole
    # The innermost brackets first; three levels are more than any title has.
    for _ in range(3):
        short = _BRACKETS.sub(" ", short)
        long = _BRACKETS.sub(parts.take_group, long)
    short, long = parts.take_ends(short), parts.take_ends(long)
    if mix:
        parts.take_version(mix[:LONGEST_NAME])
    return Name(
        artists=frozenset(parts.artists),
        title=normalise(short) or normalise(long),
        long_title=normalise(long),
        version=Version(kinds=frozenset(parts.kinds), names=frozenset(parts.names)),
    )


@dataclass(slots=True)
class _Parts:
    artists: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def take_group(self, match: re.Match[str]) -> str:
        """Take what brackets say; return what of it belongs to the title."""
        text = match[1] or match[2] or match[3] or ""
        if featured := _FEATURING.search(text):
            self.artists |= _artists(featured[1] or featured[2])
        elif _is_version(text):
            self.take_version(text)
        elif match[1]:
            return f" {text} "
        return " "

    def take_ends(self, title: str) -> str:
        """Take guests and versions that stand behind the title without brackets; return the title."""
        if featured := _FEATURING.search(title):
            self.artists |= _artists(featured[1] or featured[2])
            title = title[: featured.start()]
        while (tail := _TAIL.search(title)) and _is_version(tail[1]):
            self.take_version(tail[1])
            title = title[: tail.start()]
        return title

    def take_version(self, text: str) -> None:
        """Take the words of a version."""
        words = normalise(_POSSESSIVE.sub("", text)).split()
        own = {_KINDS[word] for word in words if word in _KINDS}
        if "radio" in own:
            # "Radio Edit", "Radio Mix" and "Radio Version" are one thing.
            own.discard("edit")
        self.kinds |= own
        self.names |= {
            word for word in words if word not in _KINDS and word not in _NEUTRAL and not _YEAR.fullmatch(word)
        }


def _artists(text: str) -> set[str]:
    found = {normalise(part).removeprefix("the ") for part in _ARTIST_SPLIT.split(_BRACKETS.sub(" ", text))}
    return found - {""}


def _is_version(text: str) -> bool:
    return any(word in _VERSION_WORDS for word in normalise(text).split())
