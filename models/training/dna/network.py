"""The fusion: inputs that are chosen and scaled, a linear map found in closed form, and a small network beside it."""

import numpy as np
import numpy.typing as npt
import torch
from filters import LIMIT, Scale
from torch import Tensor, nn

Floats = npt.NDArray[np.float64]

DIMENSION = 512
HIDDEN = 256
TAG_FLOOR = 1e-3


class Fusion(nn.Module):
    """Takes ``features``, ``embedding`` and ``tags`` as the analysis gives them, returns the DNA of unit length."""

    def __init__(self, scale: Scale, sound_mean: Floats, sound_spread: Floats) -> None:
        super().__init__()
        self.kept: Tensor
        self.mean: Tensor
        self.spread: Tensor
        self.weight: Tensor
        self.sound_mean: Tensor
        self.sound_spread: Tensor
        self.register_buffer("kept", torch.as_tensor(scale.kept))
        for name, values in (
            ("mean", scale.mean), ("spread", scale.spread), ("weight", scale.weight),
            ("sound_mean", sound_mean), ("sound_spread", sound_spread),
        ):  # fmt: skip
            self.register_buffer(name, torch.as_tensor(values, dtype=torch.float32))
        width = scale.kept.size + sound_mean.size
        self.linear = nn.Linear(width, DIMENSION)
        self.first = nn.Linear(width, HIDDEN)
        self.second = nn.Linear(HIDDEN, DIMENSION)
        # At the start the network adds nothing to the map that was found in closed form.
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def inputs(self, features: Tensor, embedding: Tensor, tags: Tensor) -> Tensor:
        """Return the standardised inputs, ``(tracks, width)``."""
        chosen = torch.index_select(features, 1, self.kept)
        measured = torch.clamp((chosen - self.mean) / self.spread, -LIMIT, LIMIT) * self.weight
        heard = torch.cat([embedding, torch.log(tags + TAG_FLOOR)], 1)
        heard = torch.clamp((heard - self.sound_mean) / self.sound_spread, -LIMIT, LIMIT)
        return torch.cat([measured, heard], 1)

    def join(self, inputs: Tensor) -> Tensor:
        """Return the DNA of standardised inputs, ``(tracks, 512)``."""
        joined = self.linear(inputs) + self.second(nn.functional.gelu(self.first(inputs)))
        return joined / torch.sqrt(torch.clamp((joined * joined).sum(1, keepdim=True), min=1e-12))

    def forward(self, features: Tensor, embedding: Tensor, tags: Tensor) -> Tensor:
        """Return the DNA, ``(tracks, 512)``."""
        return self.join(self.inputs(features, embedding, tags))
