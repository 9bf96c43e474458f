"""What a track sounds like in words: the tags that a model hears, each with its probability."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cratehand.domain.embedding import Vector


class TagKind(StrEnum):
    """What a tag speaks of."""

    GENRE = "genre"
    MOOD = "mood"
    INSTRUMENT = "instrument"
    VOICE = "voice"
    ERA = "era"


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundTag:
    """One tag that is heard in a track."""

    tag: str
    """As the model names it, one of `SOUND_TAGS`."""
    kind: TagKind
    probability: float
    """0 ... 1, the mean over the track."""
    genre: str | None = None
    """The collection's own name of this genre, where it has one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SoundDescription:
    """What a model heard in a whole track."""

    model: str
    version: str
    tags: tuple[SoundTag, ...]
    """Those that are worth telling, the most probable first."""
    probabilities: Vector
    """Of all of `SOUND_TAGS`, float32 ``(50,)`` in [0, 1]."""
    embedding: Vector
    """In `cratehand.domain.embedding.SOUND_SPACE`, unit length."""


def _kinds() -> dict[str, TagKind]:
    words = {
        TagKind.MOOD: "beautiful,chillout,mellow,chill,experimental,party,easy listening,sexy,catchy,sad,happy",
        TagKind.INSTRUMENT: "acoustic,guitar",
        TagKind.VOICE: "female vocalists,male vocalists,instrumental,female vocalist",
        TagKind.ERA: "00s,80s,90s,70s,60s,oldies",
    }
    return {tag: kind for kind, tags in words.items() for tag in tags.split(",")}


TAG_NAMES: Final = (
    "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s", "alternative rock", "jazz",
    "beautiful", "metal", "chillout", "male vocalists", "classic rock", "soul", "indie rock", "mellow", "electronica",
    "80s", "folk", "90s", "chill", "instrumental", "punk", "oldies", "blues", "hard rock", "ambient", "acoustic",
    "experimental", "female vocalist", "guitar", "hip-hop", "70s", "party", "country", "easy listening", "sexy",
    "catchy", "funk", "electro", "heavy metal", "progressive rock", "60s", "rnb", "indie pop", "sad", "house", "happy",
)  # fmt: skip
"""The fifty tags of the Million Song Dataset (Last.fm's most given ones), in the order of MSD-MusiCNN."""

SOUND_TAGS: Final = {tag: _kinds().get(tag, TagKind.GENRE) for tag in TAG_NAMES}
"""Each tag and what it speaks of."""

TOLD_FROM: Final = 0.1
"""A tag of less probability is not worth telling."""
_TOLD: Final = 10

_JOINED: Final = re.compile(r"\s*(?:&|\+|\band\b|'?\bn\b'?)\s*")
_BETWEEN: Final = re.compile(r"[\W_]+")
_OTHER_NAMES: Final = {"rb": "rnb", "rhythmblues": "rnb", "rhythmnblues": "rnb", "dnb": "drumnbass", "db": "drumnbass"}


def likely_tags(probabilities: Vector) -> tuple[SoundTag, ...]:
    """Return the tags worth telling, at most ten, the most probable first.

    Args:
        probabilities: Of `TAG_NAMES`, ``(50,)``.
    """
    ranked = sorted(zip(TAG_NAMES, probabilities.tolist(), strict=True), key=lambda pair: -pair[1])
    return tuple(
        SoundTag(tag=tag, kind=SOUND_TAGS[tag], probability=round(probability, 3))
        for tag, probability in ranked[:_TOLD]
        if probability >= TOLD_FROM
    )


def genre_key(name: str) -> str:
    """Return what spellings of one genre have in common: ``Drum & Bass`` and ``drum n bass`` give ``drumnbass``."""
    joined = _JOINED.sub("n", name.casefold())
    plain = _BETWEEN.sub("", joined)
    return _OTHER_NAMES.get(plain, plain)


def with_genres(tags: Iterable[SoundTag], genres: Iterable[str]) -> tuple[SoundTag, ...]:
    """Return the tags with the collection's own names of the genres among them.

    Args:
        tags: What was heard.
        genres: Names of the collection, the most used first; of two spellings the first is taken.
    """
    names: dict[str, str] = {}
    for name in genres:
        names.setdefault(genre_key(name), name)
    return tuple(
        SoundTag(tag=each.tag, kind=each.kind, probability=each.probability, genre=names.get(genre_key(each.tag)))
        if each.kind is TagKind.GENRE
        else each
        for each in tags
    )
