"""What free words say about sound, in the tags that a model hears: by the words themselves and a small table."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.domain.embedding import TAG_SPACE, Vector
from cratehand.domain.sound_tags import TAG_NAMES, genre_key

_UNWANTED: Final = -1.0
FLOOR: Final = 1e-3
"""Added to a probability before its logarithm is taken."""
_DOUBTING_TRACKS: Final = 5.0
"""So many tracks weigh as much as what is usual of no collection."""
_USUAL: Final = 0.05

_ALSO: Final[Mapping[str, str]] = {
    "dusty": "soul,funk,oldies", "rhodes": "soul,jazz,funk,rnb", "warm": "soul,mellow", "deep": "house,chillout",
    "dreamy": "ambient,chillout,beautiful", "dark": "experimental,ambient", "melancholic": "sad", "melancholy": "sad",
    "moody": "sad,mellow", "euphoric": "happy,party,dance", "uplifting": "happy,dance", "cheerful": "happy",
    "sunny": "happy,chillout", "relaxed": "chillout,mellow,chill", "calm": "mellow,ambient,chill", "soft": "mellow",
    "aggressive": "metal,hard rock,punk", "heavy": "heavy metal,metal", "hard": "hard rock,metal",
    "techno": "electronic,electro,dance", "trance": "dance,electronic", "club": "dance,house,party",
    "disco": "dance,funk,70s", "rap": "hip-hop", "groovy": "funk,soul", "synth": "electronic,80s,electro",
    "piano": "jazz,easy listening", "sax": "jazz", "saxophone": "jazz", "strings": "beautiful", "guitars": "guitar",
    "unplugged": "acoustic", "female": "female vocalists,female vocalist", "male": "male vocalists",
    "woman": "female vocalists,female vocalist", "man": "male vocalists", "girl": "female vocalists",
    "vocals": "female vocalists,male vocalists,female vocalist", "vocal": "female vocalists,male vocalists",
    "retro": "oldies,80s,70s", "vintage": "oldies,60s", "old": "oldies", "weird": "experimental",
    "romantic": "beautiful,sexy", "sensual": "sexy", "lounge": "easy listening,chillout", "downtempo": "chillout",
    "atmospheric": "ambient", "edm": "dance,electronic", "dnb": "electronic", "drumnbass": "electronic",
}  # fmt: skip
"""Words of DJs, and which tags come nearest to them. A judgement, not a measurement."""


class TagWords:
    """Implements `cratehand.domain.ports.TextListener` without any model of language."""

    name: Final = "tags"
    space: Final = TAG_SPACE

    def place(self, words: Sequence[str], unwanted: Sequence[str]) -> Vector | None:
        """Return which tags the words ask for; None where they name none. See the port."""
        weights = np.zeros(len(TAG_NAMES), dtype=np.float32)
        for texts, sign in ((words, 1.0), (unwanted, _UNWANTED)):
            for tag, weight in _asked(texts).items():
                weights[TAG_NAMES.index(tag)] += sign * weight
        return weights if weights.any() else None


def together(one: Vector, other: Vector | None) -> Vector:
    """Return what two listeners in one space say, each counting alike; the first alone where the other says nothing."""
    if other is None:
        return one
    both: Vector = one / max(float(np.linalg.norm(one)), FLOOR) + other / max(float(np.linalg.norm(other)), FLOOR)
    return both


def usual_logarithms(logarithms: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return how loud each tag is heard in a usual track, as the mean of logarithms.

    What is heard counts as far as it is above this: else a tag that is in everything, such as "electronic" in a
    collection of techno, would decide all.

    Args:
        logarithms: Of the probabilities plus `FLOOR`, of all tracks of the collection, ``(tracks, 50)``.
    """
    said = logarithms.sum(axis=0, dtype=np.float64)
    usual: npt.NDArray[np.float64] = (said + _DOUBTING_TRACKS * np.log(_USUAL + FLOOR)) / (
        len(logarithms) + _DOUBTING_TRACKS
    )
    return usual


def _asked(texts: Sequence[str]) -> dict[str, float]:
    """Return tag → weight; two words that are one tag together win over what each says alone."""
    tokens = [token for text in texts for token in text.casefold().split()]
    known = {genre_key(tag): tag for tag in TAG_NAMES}
    found: dict[str, float] = {}
    at = 0
    while at < len(tokens):
        pair = known.get(genre_key(" ".join(tokens[at : at + 2]))) if at + 1 < len(tokens) else None
        single = known.get(genre_key(tokens[at]))
        if exact := pair or single:
            found[exact] = found.get(exact, 0.0) + 1.0
        else:
            near = _ALSO.get(genre_key(tokens[at]), "").split(",")
            for tag in filter(None, near):
                found[tag] = found.get(tag, 0.0) + 1.0 / len(near)
        at += 2 if pair else 1
    return found
