"""Is this file a better copy of that track? Same recording, really better, aligned to the sample: or why not."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cratehand.domain.audio import AudioFormat, Samples
from cratehand.domain.audio_quality import AudioQuality
from cratehand.domain.ports import AudioReader, Fingerprinter, TagReader
from cratehand.domain.upgrade import CopyName, Judgement


class QualityMeter(Protocol):
    """Takes one signal block by block and gives the verdict on it."""

    def feed(self, samples: Samples) -> None: ...

    def finish(self) -> AudioQuality: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgementTools:
    """The abilities that a judgement takes."""

    reader: AudioReader
    tags: TagReader
    fingerprinter: Fingerprinter
    quality_meter: Callable[[AudioFormat], QualityMeter]


class UpgradeJudgement:
    """Judges pairs of files. Blocking and busy for up to some seconds a pair: call it in a lane or a worker."""

    def __init__(self, tools: JudgementTools) -> None:
        self._tools = tools

    def judge(
        self,
        current: Path,
        candidate: Path,
        *,
        current_name: CopyName | None = None,
        candidate_name: CopyName | None = None,
    ) -> Judgement:
        """Say whether the candidate may take the place of the current file.

        Args:
            current: File of the track.
            candidate: The file that landed.
            current_name: What the catalogue believes of its name; its tags, then its file name where None.
            candidate_name: The same for the candidate.

        Raises:
            NotFoundError: One of the files is not there.
            CorruptFileError: One of them can't be decoded to its end; says which.
            UnsupportedError: One is protected, or of a kind that can't be decoded here.
            UnavailableError: One can't be opened now.
        """
        raise NotImplementedError
