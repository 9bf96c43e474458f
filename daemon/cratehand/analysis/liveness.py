"""Liveness: the room and the people of a concert around the music.

A logistic model gives each sounding window of three seconds the chance that it was heard in a hall with an audience:
what lies under the music is even, noise-like and never pauses, attacks are smeared, and sound decays slowly. Concerts
could not be had as material; halls and audiences were made (many people who speak at once, claps, and a reverberation
of 1 to 2.5 s), so take the value as a hint. Wide reverberation in a studio production raises it too.

Scale: the mean over the windows. 0 studio, 0.5 a roomy recording or an audience in half of the time, 1 a hall
throughout.
"""

import numpy as np
import numpy.typing as npt

from cratehand.analysis.window_models import LIVE, chances

Floats = npt.NDArray[np.float64]


def rate_liveness(windows: Floats) -> float | None:
    """Return the liveness, 0 ... 1; None where no window sounds."""
    return float(chances(windows, *LIVE).mean()) if len(windows) else None
