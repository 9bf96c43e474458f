"""Acousticness: instruments that are struck, bowed and blown against machines and synthesisers.

A logistic model gives each sounding window of three seconds the chance that it is played on acoustic instruments:
tones that stand out of their neighbourhood and stay, few strikes in the treble, slow modulation. No truth was at hand;
the model follows the tags that MSD-MusiCNN hears (acoustic, folk, jazz, blues, country, guitar, instrumental, classic
rock against electronic, electronica, electro, dance and House), on soundtracks of free games.

Scale: the mean over the windows. 0 electronic, 0.5 mixed or can't tell, 1 acoustic throughout. An electric guitar lies
between, and a sampled orchestra counts as acoustic.
"""

import numpy as np
import numpy.typing as npt

from cratehand.analysis.window_models import ACOUSTIC, chances

Floats = npt.NDArray[np.float64]


def rate_acousticness(windows: Floats) -> float | None:
    """Return the acousticness, 0 ... 1; None where no window sounds."""
    return float(chances(windows, *ACOUSTIC).mean()) if len(windows) else None
