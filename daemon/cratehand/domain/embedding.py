"""Embeddings: vectors in named spaces that never mix."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.domain.ids import SpaceId, TrackId

Vector = npt.NDArray[np.float32]
"""float32, shape ``(dimension,)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingSpace:
    """Model, version, dimension and metric; two vectors are comparable only inside one space."""

    model: str
    version: str
    dimension: int
    metric: str = "cosine"

    @property
    def id(self) -> SpaceId:
        """Text form, used as the key in the catalogue."""
        return SpaceId(f"{self.model}/{self.version}/{self.dimension}/{self.metric}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A near track and how near: cosine distance, 0 (same) ... 2 (opposite)."""

    track_id: TrackId
    distance: float


DSP_SPACE = EmbeddingSpace(model="dsp", version="1", dimension=96)
"""Hand-made signal features of the base analysis, see `cratehand.analysis.feature_vector`."""

DSP_PARTS: Final = (("spectrum", 26), ("dynamics", 26), ("rhythm", 16), ("harmony", 12), ("character", 16))
"""What the numbers of `DSP_SPACE` speak of, in their order, and how many they are."""

SOUND_SPACE = EmbeddingSpace(model="musicnn", version="1", dimension=200)
"""What MSD-MusiCNN makes of a track's sound before it names it: the mean over excerpts, unit length."""

DNA_SPACE = EmbeddingSpace(model="dna", version="2", dimension=512)
"""Everything measured on a track and what MSD-MusiCNN hears, joined by a model trained to find its other half."""

TAG_SPACE = EmbeddingSpace(model="musicnn-tags", version="1", dimension=50)
"""Probabilities of `cratehand.domain.sound_tags.TAG_NAMES`, for search by words."""

CLAP_SPACE = EmbeddingSpace(model="clap", version="1", dimension=512)
"""Sound and words in one space, by LAION's CLAP for music: the mean over windows of a track, unit length."""
