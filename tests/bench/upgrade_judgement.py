"""How right the judgement of better copies is: ``python -m tests.bench upgrade_judgement [--quick] [--pairs N] [--record]``.

True pairs must be found and aligned, and accepted where the candidate is really better; traps must never be accepted.
Each result is kept in a file as soon as it is there: a run that was cut off goes on where it stood, or is shown as it is.
"""

import argparse
import json
import os
import tempfile
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console

from cratehand.analysis.quality_meter import QualityMeter
from cratehand.audio import ChromaprintFingerprinter, FileReader, MutagenTags
from cratehand.domain.upgrade import CopyEvidence, Judgement, Relation
from cratehand.usecases.upgrade_judgement import JudgementTools, UpgradeJudgement
from tests.bench.quality import show
from tests.bench.record import record
from tests.bench.truth.processes import map_each
from tests.bench.truth.recipes import seeded
from tests.bench.upgrade_pairs import HEAVY, MAKERS, TRAPS, Case, Workshop

_TRUE = "true pair"
_FINE_MS = 0.5


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What came of a case."""

    case: Case
    relation: str
    better: str
    accepted: bool
    reason: str
    offset_ms: float | None
    """Error of the offset of a true pair; None for traps, and where there was no offset."""
    processor_s: float
    copies: tuple[dict[str, object], dict[str, object]]
    numbers: dict[str, float] = field(default_factory=dict)


def judge_case(case: Case) -> Judged:
    tools = JudgementTools(
        reader=FileReader(), tags=MutagenTags(), fingerprinter=ChromaprintFingerprinter(), quality_meter=QualityMeter
    )
    with tempfile.TemporaryDirectory() as folder:
        current, candidate, true_s = MAKERS[case.kind](Workshop(Path(folder), case))
        began = os.times()
        found: Judgement = UpgradeJudgement(tools).judge(current, candidate)
        ended = os.times()
    error_ms = None if true_s is None or found.offset_s is None else 1000.0 * abs(found.offset_s - true_s)
    return Judged(
        case=case, relation=found.relation, better=found.better, accepted=found.accepted, reason=found.reason,
        offset_ms=error_ms, processor_s=sum(ended[:2]) - sum(began[:2]), numbers=found.numbers,
        copies=(_summary(found.current), _summary(found.candidate)),
    )  # fmt: skip


def _summary(copy: CopyEvidence) -> dict[str, object]:
    return {
        "codec": copy.format.codec,
        "kbps": copy.format.bit_rate_kbps,
        "rate_hz": copy.format.sample_rate_hz,
        "verdict": str(copy.quality.verdict),
        "source": copy.quality.source_class,
        "findings": [str(finding) for finding in copy.quality.findings],
        "evidence": copy.quality.evidence,
    }


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """Judges a case and keeps the answer as one line of a file."""

    path: Path

    def __call__(self, case: Case) -> None:
        line = json.dumps(asdict(judge_case(case))) + "\n"
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line)

    def kept(self) -> list[Judged]:
        if not self.path.exists():
            return []
        lines = [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]
        return [Judged(**(line | {"case": Case(**line["case"])})) for line in lines]


def cases(pairs: int, seed: int) -> list[Case]:
    """Return the cases in an order that lets every part of a run hold some of each kind."""
    made = [Case(kind=_TRUE, number=number, seed=seed) for number in range(pairs)]
    weights = {kind: HEAVY.get(kind, 1) for kind in TRAPS}
    for kind, weight in weights.items():
        count = max(round(pairs * weight / sum(weights.values())), 1)
        made += [Case(kind=kind, number=number, seed=seed) for number in range(count)]
    for kind in ("unseen fake", "fine sibling"):
        made += [Case(kind=kind, number=number, seed=seed) for number in range(max(pairs // 8, 3))]
    return [made[place] for place in seeded("order of cases", seed).permutation(len(made))]


def report(judged: list[Judged]) -> list[list[str]]:
    """One row a kind."""
    groups: defaultdict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        groups[each.case.kind].append(each)
    rows = []
    for kind in MAKERS:
        members = groups[kind]
        if not members:
            continue
        errors = sorted(each.offset_ms for each in members if each.offset_ms is not None)
        fine = (
            f"{sum(error <= _FINE_MS for error in errors)} of {len(members)}, worst {errors[-1]:.4f} ms"
            if errors
            else ""
        )
        said = [sum(each.relation == relation for each in members) for relation in Relation]
        costs = np.median([each.processor_s for each in members])
        accepted = sum(each.accepted for each in members)
        rows.append([kind, str(len(members)), " / ".join(map(str, said)), str(accepted), fine, f"{costs:.1f} s"])
    return rows


def is_missed(each: Judged) -> bool:
    if each.case.kind != _TRUE:
        return each.accepted
    return not each.accepted or each.offset_ms is None or each.offset_ms > _FINE_MS


def main() -> None:
    parser = argparse.ArgumentParser(description="Judgement of better copies")
    parser.add_argument("--quick", action="store_true", help="60 true pairs and 60 traps")
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0, help="of the files; another one takes other music")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--keep", type=Path, help="file of the results; those that it holds are not made again")
    parser.add_argument("--record", action="store_true", help="write the table to BENCHMARKS.md")
    arguments = parser.parse_args()
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        keeper = Keeper(path=arguments.keep or Path(folder) / "judged.jsonl")
        done = {each.case for each in keeper.kept()}
        wanted = [
            case for case in cases(60 if arguments.quick else arguments.pairs, arguments.seed) if case not in done
        ]
        results = map_each(keeper, wanted, workers=arguments.workers)
        judged = keeper.kept()
    console = Console(width=170)
    heads = ["kind", "pairs", "same / related / different", "accepted", "offset within 0.5 ms", "processor time"]
    table = show(console, "Judgement of better copies", heads, report(judged))
    for case, result in zip(wanted, results, strict=True):
        if isinstance(result, BaseException):
            console.print(f"{case}: {result!r}", highlight=False)
    for each in judged:
        if is_missed(each):
            case = each.case
            said = f"{each.relation} {each.better}: {each.reason} ({each.offset_ms} ms)"
            console.print(f"{case.kind} {case.number}: {said}", highlight=False)
    console.print(f"{time.monotonic() - began_s:.0f} s")
    if arguments.record:
        record("Judgement of better copies", table)


if __name__ == "__main__":
    main()
