"""Musical DNA: what is measured on a track and what MusiCNN heard, joined to one vector."""

from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.domain.embedding import DNA_SPACE, Vector
from cratehand.domain.errors import CorruptFileError, InvalidInputError
from cratehand.domain.sound_tags import SoundDescription
from cratehand_models.session import ModelSession

FEATURES: Final = 2082
"""As many numbers as version 1 of the features has."""
_EMBEDDING: Final = 200
_TAGS: Final = 50
_UNIT: Final = 1e-3


class DnaModel:
    """Implements the port `DnaFuser`; standardising, choosing and joining is all inside the graph.

    Args:
        session: Of the model ``dna`` of the manifest.
    """

    def __init__(self, session: ModelSession) -> None:
        self._session = session

    def fuse(self, features: Vector, sound: SoundDescription) -> Vector:
        """Return the place of a track in `DNA_SPACE`; see the port."""
        feeds = {
            "features": _row(features, FEATURES, "features"),
            "embedding": _row(sound.embedding, _EMBEDDING, "numbers of an embedding of MusiCNN"),
            "tags": _row(sound.probabilities, _TAGS, "probabilities of tags"),
        }
        dna = np.asarray(self._session.run(feeds)[0][0], dtype=np.float32)
        norm = float(np.linalg.norm(dna))
        if dna.shape != (DNA_SPACE.dimension,) or not abs(norm - 1.0) < _UNIT:
            raise CorruptFileError(
                "the model of the DNA gave no vector of unit length: `cratehand models verify` looks whether it is "
                "whole; install cratehand anew"
            )
        dna.setflags(write=False)
        return dna


def _row(values: Vector, length: int, what: str) -> npt.NDArray[np.float32]:
    """Return the values as a row of the batch, ``(1, length)``."""
    if values.shape != (length,):
        raise InvalidInputError(
            f"the model of the DNA takes {length} {what}, not {values.shape}: analyse the track anew"
        )
    if not np.isfinite(values).all():
        raise InvalidInputError(f"the model of the DNA takes finite {what}: analyse the track anew")
    return np.asarray(values, dtype=np.float32)[np.newaxis]
