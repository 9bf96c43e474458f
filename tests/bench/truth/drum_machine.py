"""Drum hits: made by formula, from sonic-pi's samples, or from a General MIDI soundfont; each begins at its attack."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from tests.bench.truth import soundfont

RATE_HZ: Final = 44_100
Wave = npt.NDArray[np.float32]
DRUMS: Final = ("kick", "snare", "clap", "hat", "open_hat", "ride", "crash", "tom", "rim", "shaker")
_SAMPLES: Final = Path("/usr/share/sonic-pi/samples")
_SONIC_KITS: Final[Mapping[str, Mapping[str, str]]] = {
    "sonic_club": {
        "kick": "bd_haus", "snare": "sn_dub", "clap": "perc_snap", "hat": "drum_cymbal_closed", "tom": "drum_tom_mid_hard",
        "open_hat": "drum_cymbal_open", "ride": "elec_cymbal", "crash": "drum_splash_hard", "rim": "elec_wood",
        "shaker": "elec_tick",
    },
    "sonic_hard": {
        "kick": "bd_tek", "snare": "sn_generic", "clap": "perc_snap2", "hat": "drum_cymbal_pedal", "tom": "elec_fuzz_tom",
        "open_hat": "drum_cymbal_open", "ride": "drum_cymbal_hard", "crash": "drum_cymbal_hard", "rim": "elec_blip",
        "shaker": "drum_cymbal_closed",
    },
    "sonic_room": {
        "kick": "drum_heavy_kick", "snare": "drum_snare_hard", "clap": "elec_filt_snare", "hat": "drum_cymbal_closed",
        "open_hat": "drum_cymbal_open", "ride": "drum_cymbal_soft", "crash": "drum_splash_soft", "rim": "elec_tick",
        "tom": "drum_tom_lo_hard", "shaker": "drum_cymbal_pedal",
    },
}  # fmt: skip
_GM_KITS: Final = {"gm_standard": 0, "gm_power": 16, "gm_electronic": 24, "gm_808": 25}
_GM_KEYS: Final = {
    "kick": 36, "snare": 38, "clap": 39, "hat": 42, "open_hat": 46, "ride": 51, "crash": 49, "tom": 45, "rim": 37,
    "shaker": 70,
}  # fmt: skip
_LONGEST_S: Final = 1.5


def kits() -> tuple[str, ...]:
    """Return the names of the kits that this machine has."""
    own = ("formula_909", "formula_808", "formula_tight")
    sonic = tuple(_SONIC_KITS) if _SAMPLES.is_dir() else ()
    return own + sonic + (tuple(_GM_KITS) if soundfont.is_there() else ())


def missing() -> list[str]:
    """Say what is not there and how to get it."""
    words = []
    if not _SAMPLES.is_dir():
        words.append("drum samples of sonic-pi (Debian: sonic-pi-samples)")
    if not soundfont.is_there():
        words.append("General MIDI instruments (Debian: fluidsynth, fluid-soundfont-gm)")
    return words


@cache
def hit(kit: str, drum: str) -> Wave:
    """Return one hit, mono, peak 1, whose first frame is its attack."""
    if kit in _SONIC_KITS:
        samples, rate_hz = soundfile.read(_SAMPLES / f"{_SONIC_KITS[kit][drum]}.flac", dtype="float32", always_2d=True)
        wave = np.asarray(soxr.resample(samples.mean(axis=1), rate_hz, RATE_HZ))
    elif kit in _GM_KITS:
        wave = soundfont.note(128, _GM_KITS[kit], _GM_KEYS[drum])
    else:
        wave = _formula(kit, drum)
    return _trim(wave)


def _trim(wave: Wave) -> Wave:
    """Cut what lies before the attack, -40 dB of the peak, and fade the end."""
    peak = float(np.abs(wave).max())
    first = int(np.argmax(np.abs(wave) > 0.01 * peak))
    cut = np.array(wave[first : first + round(_LONGEST_S * RATE_HZ)] / peak, dtype=np.float32)
    fade = min(cut.size, 2_000)
    cut[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return cut


def _formula(kit: str, drum: str) -> Wave:
    rng = np.random.default_rng(sum(map(ord, kit + drum)))
    length_s, decay_s = {
        "kick": (0.45, 0.12), "snare": (0.25, 0.07), "clap": (0.3, 0.08), "hat": (0.08, 0.02), "open_hat": (0.4, 0.14),
        "ride": (0.7, 0.25), "crash": (1.5, 0.5), "tom": (0.35, 0.12), "rim": (0.05, 0.012), "shaker": (0.09, 0.03),
    }[drum]  # fmt: skip
    decay_s *= {"formula_909": 1.0, "formula_808": 1.6, "formula_tight": 0.6}[kit]
    time_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    noise = rng.standard_normal(time_s.size)
    fall = np.exp(-time_s / decay_s)
    if drum in ("kick", "tom"):
        low_hz = {"formula_909": 50.0, "formula_808": 43.0, "formula_tight": 58.0}[kit] * (
            2.2 if drum == "tom" else 1.0
        )
        swept_hz = low_hz * (1.0 + 4.5 * np.exp(-time_s / 0.018))
        body = np.sin(2 * np.pi * np.cumsum(swept_hz) / RATE_HZ + 0.5)
        return (fall * body + 0.35 * noise * np.exp(-time_s / 0.0015)).astype(np.float32)
    if drum == "snare":
        body = np.sin(2 * np.pi * 185.0 * time_s + 0.5) + 0.5 * np.sin(2 * np.pi * 330.0 * time_s + 0.5)
        return (fall * (0.8 * noise + 0.7 * body)).astype(np.float32)
    if drum == "clap":
        bursts = sum(np.exp(-np.maximum(time_s - at, 0.0) / 0.006) * (time_s >= at) for at in (0.0, 0.011, 0.022))
        return (noise * (0.7 * bursts + fall)).astype(np.float32)
    if drum == "rim":
        return (fall * np.sin(2 * np.pi * 1_700.0 * time_s + 0.7)).astype(np.float32)
    # Metal: noise without lows, with a ring of inharmonic squares.
    ring = sum(np.sign(np.sin(2 * np.pi * hz * time_s)) for hz in (3_170.0, 4_730.0, 5_390.0, 8_110.0))
    return (fall * (np.diff(noise, prepend=0.0) + 0.15 * ring)).astype(np.float32)
