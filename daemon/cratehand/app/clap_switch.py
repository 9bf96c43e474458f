"""What changes where somebody switched CLAP on: ``[analysis] clap``."""

from functools import partial
from pathlib import Path

from cratehand.app.clap_parts import clap_is_here
from cratehand.app.finding import Finding, good, note
from cratehand.app.settings import AnalysisSettings
from cratehand.app.worker import read_file
from cratehand.domain.embedding import CLAP_SPACE, EmbeddingSpace
from cratehand.usecases.analysis_queue import ReadFile


def placed_by_clap(settings: AnalysisSettings, models: Path) -> tuple[EmbeddingSpace, ...]:
    """Return the space of CLAP where it is switched on and here: what a track has to lie in to be analysed."""
    return (CLAP_SPACE,) if settings.clap and clap_is_here(models) else ()


def reading_task(settings: AnalysisSettings, models: Path) -> ReadFile:
    """Return what a worker runs for each file; whether CLAP is here, it sees for itself."""
    return partial(read_file, clap=str(models)) if settings.clap else read_file


def check_clap(settings: AnalysisSettings, models: Path) -> list[Finding]:
    """Say whether tracks are placed by CLAP where somebody has asked for it."""
    if not settings.clap:
        return []
    if clap_is_here(models):
        return [good("clap", "tracks are placed by it, search ranks by it")]
    return [note("clap", "[analysis] clap is set, and it is not here", "`cratehand models show clap` says how")]
