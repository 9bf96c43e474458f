"""The drum network: a recurrent decoder over sixteenths, told by a convolutional reading of what is given.

Per step the nine hits are drawn one voice after the other (NADE: Larochelle and Murray, AISTATS 2011), then velocity
and offset of each hit as categories. A step is told of the one before, of the same place one and two bars ago, of its
place in the bar and of style, tempo, density and swing. What is known of the pattern (taps, hits, "here is a fill") is
read by dilated convolutions from both sides.
"""

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from cratehand_models.drum_grid import OFFSET_BINS, VELOCITY_BINS, VOICES

HIDDEN: Final = 256
CONTEXT: Final = 64
HEAD: Final = 128
HITS_HEAD: Final = 64
GIVEN: Final = 25
"""Per step: 9 given hits, 9 whether each is known; tap, its velocity and offset, whether taps are known, whether
velocity and offset of the tap are; beat or fill (-1, 1), or not known (0)."""
STEPS_LONGEST: Final = 20
METRES: Final = 5
PHRASE_BARS: Final = 8
_DILATIONS: Final = (1, 2, 4, 8)
_V: Final = len(VOICES)
_ROW: Final = 3 * _V


class Where(NamedTuple):
    """Place and conditions of each step; int64 ``(batch, steps)`` and for `scalars` float32 ``(batch, steps, 5)``."""

    step: Tensor
    metre: Tensor
    bar: Tensor
    style: Tensor
    scalars: Tensor
    """Tempo; density and whether it is known; swing and whether it is known."""


class Encoder(nn.Module):
    """Reads what is given, ``(batch, steps, 25)``, into ``(batch, steps, 64)``; sees two bars to both sides."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(GIVEN, CONTEXT)
        self.layers = nn.ModuleList(
            nn.Conv1d(CONTEXT, CONTEXT, 5, padding=2 * dilation, dilation=dilation) for dilation in _DILATIONS
        )

    def forward(self, given: Tensor) -> Tensor:
        """Return the reading of each step."""
        x = self.first(given).transpose(1, 2)
        for layer in self.layers:
            x = x + torch.relu(layer(x))
        return x.transpose(1, 2)


class Decoder(nn.Module):
    """Writes steps."""

    def __init__(self, styles: int) -> None:
        super().__init__()
        self.step = nn.Embedding(STEPS_LONGEST, 16)
        self.metre = nn.Embedding(METRES, 8)
        self.bar = nn.Embedding(PHRASE_BARS, 8)
        self.style = nn.Embedding(styles + 1, 24)
        self.conditions = nn.Linear(16 + 8 + 8 + 24 + 5, 64)
        width = 64 + CONTEXT + 3 * _ROW + 2
        self.gru = nn.GRU(width, HIDDEN, batch_first=True)
        self.hits_in = nn.Linear(HIDDEN + width, HITS_HEAD)
        self.hits_seen = nn.Parameter(torch.randn(_V, HITS_HEAD) * 0.1)
        self.hits_out = nn.Parameter(torch.randn(_V, HITS_HEAD) * 0.1)
        self.hits_bias = nn.Parameter(torch.full((_V,), -1.5))
        self.feel_in = nn.Linear(HIDDEN + width + _V, HEAD)
        self.velocity = nn.Linear(HEAD, _V * VELOCITY_BINS)
        self.offset = nn.Linear(HEAD, _V * OFFSET_BINS)
        self.dropout = nn.Dropout(0.25)

    def inputs(self, before: Tensor, ago: Tensor, context: Tensor, where: Where) -> Tensor:
        """Join what a step is told.

        Args:
            before: Features of the step before, ``(batch, steps, 27)``.
            ago: Of the same place one and two bars ago, each followed by whether it is known, ``(.., 56)``.
            context: From the encoder, ``(.., 64)``.
            where: Place and conditions.
        """
        place = torch.cat(
            [self.step(where.step), self.metre(where.metre), self.bar(where.bar), self.style(where.style)], -1
        )
        conditions = torch.relu(self.conditions(torch.cat([place, where.scalars], -1)))
        return torch.cat([conditions, context, before, ago], -1)

    def hit_logits(self, told: Tensor, hits: Tensor) -> Tensor:
        """Return the logit of each voice, given the voices before it in the same step: ``(.., 9)``."""
        # Row v of what was seen is the sum over the voices before v.
        earlier = torch.tril(torch.ones(_V, _V), -1).unsqueeze(-1) * self.hits_seen
        before = (hits @ earlier.transpose(0, 1).reshape(_V, -1)).unflatten(-1, (_V, -1))
        hidden = torch.relu(self.hits_in(told).unsqueeze(-2) + before)
        return (hidden * self.hits_out).sum(-1) + self.hits_bias

    def feel_logits(self, told: Tensor, hits: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of velocity ``(.., 9, 16)`` and offset ``(.., 9, 24)``."""
        hidden = torch.relu(self.feel_in(torch.cat([told, hits], -1)))
        shape = hidden.shape[:-1]
        return self.velocity(hidden).view(*shape, _V, VELOCITY_BINS), self.offset(hidden).view(*shape, _V, OFFSET_BINS)


class DrumNetwork(nn.Module):
    """Encoder and decoder."""

    def __init__(self, styles: int) -> None:
        super().__init__()
        self.styles = styles
        self.encoder = Encoder()
        self.decoder = Decoder(styles)

    def forward(self, rows: Tensor, ago: Tensor, given: Tensor, where: Where) -> tuple[Tensor, Tensor, Tensor]:
        """Return the logits of hits, velocities and offsets of every step, told the true steps before.

        Args:
            rows: Features of the true steps, ``(batch, steps, 27)``.
            ago: As for `Decoder.inputs`.
            given: As for `Encoder`.
            where: Place and conditions.
        """
        before = torch.cat([torch.zeros_like(rows[:, :1]), rows[:, :-1]], 1)
        decoder = self.decoder
        inputs = decoder.dropout(decoder.inputs(before, ago, self.encoder(given), where))
        state, _ = decoder.gru(inputs)
        told = torch.cat([decoder.dropout(state), inputs], -1)
        hits = rows[..., :_V]
        return decoder.hit_logits(told, hits), *decoder.feel_logits(told, hits)
