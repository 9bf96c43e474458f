"""Whole tracks with a plan: which layers play in which section, rendered with everything true about them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from tests.bench.truth import drum_machine, instruments
from tests.bench.truth.harmony import Harmony, fold
from tests.bench.truth.mixdown import Bus, Stereo, Wave, duck, master
from tests.bench.truth.styles import Style
from tests.bench.truth.tempo_map import TempoMap

LAYERS: Final = ("kick", "snare", "hats", "percussion", "bass", "chords", "pad", "lead", "arp")
_DRUM_LAYERS: Final = {
    "kick": "kick", "snare": "snare", "clap": "snare", "rim": "percussion", "hat": "hats", "open_hat": "hats",
    "ride": "percussion", "shaker": "percussion", "tom": "percussion",
}  # fmt: skip
_LEVELS: Final = {
    "kick": 0.9, "snare": 0.5, "clap": 0.45, "hat": 0.14, "open_hat": 0.2, "ride": 0.12, "shaker": 0.1, "tom": 0.25,
    "rim": 0.18, "crash": 0.3,
}  # fmt: skip
_VOICES: Final = {"bass": 0.75, "chords": 0.28, "pad": 0.25, "lead": 0.42, "arp": 0.25}
_TAIL_S: Final = 0.8


@dataclass(frozen=True, kw_only=True)
class Part:
    """One section: a label, its bars, the layers that play, and those that enter in its middle."""

    label: str
    bars: int
    layers: frozenset[str]
    entering: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Band:
    """Who plays."""

    kit: str
    bass: str
    chords: str
    pad: str
    lead: str
    swing: float = 0.5
    tuning_cents: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Rendered:
    """Sound and what is true of it. `layers` is the mean count, weighted by time."""

    samples: Stereo
    beats_s: list[float]
    downbeats_s: list[float]
    sections: list[tuple[float, float, str]] = field(default_factory=list)
    minor_boundaries_s: list[float] = field(default_factory=list)
    layers: float = 0.0


def random_band(rng: np.random.Generator, style: Style) -> Band:
    """Choose players that suit the style."""
    kits = drum_machine.kits()
    if not style.electronic:
        kits = tuple(kit for kit in kits if kit in ("gm_standard", "gm_power", "sonic_room")) or kits

    def one(voices: tuple[str, ...]) -> str:
        return str(rng.choice(instruments.available(voices)))

    return Band(
        kit=str(rng.choice(kits)),
        bass=one(instruments.BASSES),
        chords=one(instruments.CHORDS),
        pad=one(("soft_pad", "warm_pad", "strings", "organ")),
        lead=one(instruments.LEADS),
        swing=float(rng.uniform(*style.swing)),
    )


class Stage:
    """Renders parts one after another onto drum and tonal buses."""

    def __init__(
        self, style: Style, harmony: Harmony, band: Band, tempo: TempoMap, rng: np.random.Generator, *, bars: int
    ) -> None:
        self._style = style
        self._harmony = harmony
        self._band = band
        self._tempo = tempo
        self._rng = rng
        self._bars = bars
        self.end_s = tempo.time_s(bars * style.beats_per_bar)
        # A detuned band plays slower on its bus, which is then sped up as a whole: drums keep their place.
        self._stretch = 2.0 ** (band.tuning_cents / 1200.0)
        self.drums = Bus(self.end_s + _TAIL_S)
        self.tonal = Bus((self.end_s + _TAIL_S) * self._stretch)
        self._kicks_s: list[float] = []
        self._motif_seed = int(rng.integers(1 << 30))

    def play(self, bar: int, layers: frozenset[str], *, loud: float = 1.0) -> None:
        """Play one bar."""
        self._play_drums(bar, layers, loud)
        for layer in ("bass", "chords", "pad", "lead", "arp"):
            if layer in layers:
                getattr(self, f"_play_{layer}")(bar)

    def crash(self, bar: int) -> None:
        """Mark a bar line with a cymbal."""
        self.drums.add(drum_machine.hit(self._band.kit, "crash"), self._at(bar, 0), gain=_LEVELS["crash"])

    def rise(self, first_bar: int, bars: int) -> None:
        """Let noise rise over bars, with a snare roll that doubles in its second half."""
        start_s, end_s = self._at(first_bar, 0), self._at(first_bar + bars, 0)
        frames = round((end_s - start_s) * drum_machine.RATE_HZ)
        noise = np.diff(self._rng.standard_normal(frames + 1)).astype(np.float32)
        self.drums.add(noise * np.linspace(0.0, 0.12, frames, dtype=np.float32) ** 1.3, start_s)
        snare = drum_machine.hit(self._band.kit, "snare")
        per_bar = 4 * self._style.beats_per_bar
        for bar in range(bars):
            every = 4 if bar < bars // 2 else (2 if bar < bars - 1 else 1)
            for step in range(0, per_bar, every):
                level = 0.12 + 0.25 * (bar + step / per_bar) / bars
                self.drums.add(snare, self._at(first_bar + bar, step), gain=level)

    def mix(self, *, rms_db: float) -> Stereo:
        """Return the mastered mix."""
        tonal = self.tonal.samples
        if self._stretch != 1.0:
            import soxr

            tonal = soxr.resample(tonal.T, drum_machine.RATE_HZ * self._stretch, drum_machine.RATE_HZ).T
        if self._style.pumped and self._kicks_s:
            tonal = np.ascontiguousarray(tonal)
            duck(tonal, self._kicks_s, depth=float(self._rng.uniform(0.3, 0.8)))
        frames = min(tonal.shape[1], self.drums.samples.shape[1])
        # Nothing under the music, rounding with dither, or the noise of a converter.
        floor_db = float(self._rng.choice((-130.0, -96.0, -84.0)))
        mixed = self.drums.samples[:, :frames] + tonal[:, :frames]
        return master(mixed, rms_db=rms_db, rng=self._rng, floor_db=floor_db)

    def _at(self, bar: int, step: float) -> float:
        """Return the time of a sixteenth of a bar, swung."""
        pair, within = divmod(step, 2.0)
        swung = (
            within * 2.0 * self._band.swing
            if within <= 1.0
            else 2.0 * self._band.swing + (within - 1.0) * 2.0 * (1.0 - self._band.swing)
        )
        return self._tempo.time_s(bar * self._style.beats_per_bar + (2.0 * pair + swung) / 4.0)

    def _play_drums(self, bar: int, layers: frozenset[str], loud: float) -> None:
        per_bar = 4 * self._style.beats_per_bar
        offset = bar % self._style.bars * per_bar
        for drum, steps in self._style.drums.items():
            if _DRUM_LAYERS[drum] not in layers:
                continue
            sound = drum_machine.hit(self._band.kit, drum)
            for step in steps:
                if offset <= step < offset + per_bar:
                    at_s = self._at(bar, step - offset)
                    weak = 0.7 if drum in ("hat", "shaker") and step % 4 else 1.0
                    gain = loud * weak * _LEVELS[drum] * self._rng.uniform(0.85, 1.0)
                    self.drums.add(sound, at_s, gain=gain, pan=0.25 if drum in ("hat", "shaker", "rim") else 0.0)
                    if drum == "kick":
                        self._kicks_s.append(at_s)
        if "snare" in layers:
            ghost = drum_machine.hit(self._band.kit, "snare")
            for step in self._style.ghosts:
                if self._rng.random() < 0.5:
                    self.drums.add(ghost, self._at(bar, step), gain=0.08)

    def _note(self, voice: str, pitch: int, span: tuple[int, float, float], gain: float, pan: float = 0.0) -> None:
        """Play a note; `span` is its bar, and first and count of sixteenths."""
        bar, step, steps = span
        start_s = self._at(bar, step)
        length_s = self._tempo.time_s(bar * self._style.beats_per_bar + (step + steps) / 4.0) - start_s
        wave: Wave = instruments.play(voice, pitch, max(length_s, 0.06))
        self.tonal.add(wave, start_s * self._stretch, gain=gain * self._rng.uniform(0.9, 1.0), pan=pan)

    def _play_bass(self, bar: int) -> None:
        chord = self._harmony.chord(bar)
        for number, step in enumerate(self._style.bass):
            note = chord[2] if number % 5 == 4 else chord[0]
            self._note(self._band.bass, fold(note, 33), (bar, step, 1.7), _VOICES["bass"])

    def _play_chords(self, bar: int) -> None:
        steps = self._style.chords
        per_bar = 4.0 * self._style.beats_per_bar
        for step, following in zip(steps, (*steps[1:], per_bar), strict=True):
            for voice, note in enumerate(self._harmony.chord(bar, seventh=bar % 4 == 1)):
                length = min(following - step, 4.0) * 0.85
                self._note(self._band.chords, fold(note, 55), (bar, step, length), _VOICES["chords"], (voice - 1) * 0.3)

    def _play_pad(self, bar: int) -> None:
        for voice, note in enumerate(self._harmony.chord(bar)):
            steps = 4.0 * self._style.beats_per_bar
            self._note(self._band.pad, fold(note, 50), (bar, 0.0, steps), _VOICES["pad"], (voice - 1) * 0.5)

    def _play_lead(self, bar: int) -> None:
        count = 2 * self._style.beats_per_bar
        motif = np.random.default_rng([self._motif_seed, bar % 4])
        rests = motif.random(count) < 0.35
        for step, note in enumerate(self._harmony.melody(bar, count, motif)):
            if not rests[step] or step == count - 1:
                self._note(self._band.lead, fold(note, 69), (bar, 2.0 * step, 1.8), _VOICES["lead"], 0.1)

    def _play_arp(self, bar: int) -> None:
        chord = self._harmony.chord(bar)
        for step in range(4 * self._style.beats_per_bar):
            note = chord[step % 3] + 12 * (step // 3 % 2)
            self._note("pluck", fold(note, 67) + 12 * (step // 3 % 2), (bar, float(step), 0.9), _VOICES["arp"], -0.3)


def perform(
    style: Style,
    harmony: Harmony,
    band: Band,
    tempo: TempoMap,
    parts: Sequence[Part],
    rng: np.random.Generator,
    *,
    rms_db: float = -13.0,
) -> Rendered:
    """Render a plan. Builds rise, drops begin with a crash, every eighth bar may end in a fill."""
    bars = sum(part.bars for part in parts)
    stage = Stage(style, harmony, band, tempo, rng, bars=bars)
    sections: list[tuple[float, float, str]] = []
    minor: list[float] = []
    counted = 0.0
    first = 0
    for part in parts:
        middle = first + part.bars // 2
        for bar in range(first, first + part.bars):
            layers = part.layers | part.entering if bar >= middle else part.layers
            stage.play(bar, layers)
            counted += len(layers)
        if part.entering:
            minor.append(tempo.time_s(middle * style.beats_per_bar))
        if part.label == "build":
            stage.rise(first, part.bars)
        if part.label == "drop":
            stage.crash(first)
        start_s, first = tempo.time_s(first * style.beats_per_bar), first + part.bars
        sections.append((start_s, tempo.time_s(first * style.beats_per_bar), part.label))
    beats = tempo.beats(bars * style.beats_per_bar)
    return Rendered(
        samples=stage.mix(rms_db=rms_db),
        beats_s=[round(float(at), 6) for at in beats],
        downbeats_s=[round(float(at), 6) for at in beats[:: style.beats_per_bar]],
        sections=sections,
        minor_boundaries_s=minor,
        layers=counted / max(bars, 1),
    )


def tuned(band: Band, cents: float) -> Band:
    """Return the same band, tuned `cents` off A = 440 Hz."""
    return replace(band, tuning_cents=cents)
