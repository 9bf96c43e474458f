"""Loudness of a whole track."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """Loudness of one whole track, after ITU-R BS.1770-4 and EBU R 128. None where it can't be measured."""

    integrated_lufs: float | None
    """Gated programme loudness; None for silence."""
    range_lu: float | None
    """Loudness range after EBU Tech 3342; None for signals under 3 s or silence."""
    true_peak_dbtp: float | None
    """Highest inter-sample peak of any channel, at least 4x oversampled; None for digital silence."""
    short_term_max_lufs: float | None = None
    """Highest loudness of any 3 s (EBU Tech 3341); None for silence and under 3 s."""

    def gain_db(self, *, target_lufs: float, ceiling_dbtp: float = -1.0) -> float | None:
        """Return the gain towards `target_lufs` that respects the true-peak ceiling; None if unmeasured."""
        if self.integrated_lufs is None or self.true_peak_dbtp is None:
            return None
        return min(target_lufs - self.integrated_lufs, ceiling_dbtp - self.true_peak_dbtp)
