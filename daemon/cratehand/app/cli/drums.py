"""`cratehand drums`: a drum pattern as a MIDI file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cratehand.app.cli.arguments import DryRun, Json
from cratehand.app.cli.output import Column, print_table, say, write_json
from cratehand.app.cli.paths import absolute
from cratehand.domain.drum_pattern import Metre
from cratehand.domain.drum_request import DrumTask, GeneratedDrums, GeneratorKind
from cratehand.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from cratehand.usecases.drum_generation import DrumGeneration

Style = Annotated[str | None, typer.Option("--style", metavar="S", help="What to play; --styles lists them.")]
Styles = Annotated[bool, typer.Option("--styles", help="List the styles and who plays them.")]
TempoBpm = Annotated[
    float | None, typer.Option("--tempo", min=30, max=300, metavar="BPM", help="30 to 300; else the style's own.")
]
Bars = Annotated[
    int | None, typer.Option("--bars", min=1, max=64, metavar="N", help="1 to 64; 4 where nothing else says.")
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, metavar="N", help="The same seed gives the same file.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE.mid", help="The file to write.")]
Density = Annotated[float | None, typer.Option("--density", min=0, max=1, metavar="0-1", help="Sparse to dense.")]
Swing = Annotated[
    float | None,
    typer.Option("--swing", min=50, max=75, metavar="PERCENT", help="Of the sixteenths: 50 straight, 66.7 triplets."),
]
MetreText = Annotated[str | None, typer.Option("--metre", metavar="M", help="4/4, 3/4, 6/8, 5/4 ...")]
From = Annotated[Path | None, typer.Option("--from", metavar="FILE.mid", help="A pattern to start from.")]
How = Annotated[DrumTask | None, typer.Option("--how", help="What becomes of it; continue where nothing is said.")]
Generator = Annotated[
    GeneratorKind | None, typer.Option("--generator", help="Only this one; else the model where it knows the style.")
]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("drums")(drums)


def drums(
    style: Style = None,
    tempo: TempoBpm = None,
    bars: Bars = None,
    seed: Seed = None,
    out: Out = None,
    density: Density = None,
    swing: Swing = None,
    metre: MetreText = None,
    start: From = None,
    how: How = None,
    generator: Generator = None,
    styles: Styles = False,
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Write a drum pattern: General MIDI on channel 10, by a model of human drummers or from a template."""
    from cratehand.app.drum_parts import check_target, drum_generation, read_file, write_file
    from cratehand.usecases.drum_generation import DrumWish

    generation = drum_generation()
    if styles:
        _list(generation, as_json=as_json)
        return
    if out is None:
        raise typer.BadParameter("give the file to write", param_hint="--out")
    if start is None and how is not None:
        raise typer.BadParameter("--how says what becomes of a pattern: give one with --from", param_hint="--how")
    if start is None and style is None:
        raise typer.BadParameter("give a style; `cratehand drums --styles` lists them", param_hint="--style")
    source, target = absolute(start) if start else None, absolute(out)
    wanted_metre = _metre(metre)
    given = generation.read(read_file(source), name=str(source), metre=wanted_metre) if source else None
    wish = DrumWish(
        style=style,
        seed=seed,
        tempo_bpm=tempo,
        bars=bars,
        metre=wanted_metre,
        density=density,
        swing_ratio=None if swing is None else swing / 100,
        given=given,
        task=how,
        generator=generator,
    )
    try:
        made = generation.generate(wish)
    except InvalidInputError as error:
        raise typer.BadParameter(str(error)) from error
    replaces = check_target(target, source=source)
    if not dry_run:
        write_file(target, generation.midi(made.pattern))
    _report(made, target, replaces=replaces, as_json=as_json, dry_run=dry_run)


def _metre(text: str | None) -> Metre | None:
    try:
        return Metre.parse(text) if text else None
    except InvalidInputError as error:
        raise typer.BadParameter(str(error), param_hint="--metre") from error


def _list(generation: "DrumGeneration", *, as_json: bool) -> None:
    found = generation.styles()
    if as_json:
        write_json(
            [
                {"style": style.name, "tempo_bpm": style.tempo_bpm, "generators": [str(g) for g in style.generators]}
                for style in found
            ]
        )
        return
    print_table(
        [Column(title="style"), Column(title="usual BPM", justify="right"), Column(title="written by")],
        [(style.name, f"{style.tempo_bpm:g}", ", ".join(style.generators)) for style in found],
    )


def _report(made: GeneratedDrums, target: Path, *, replaces: bool, as_json: bool, dry_run: bool) -> None:
    pattern = made.pattern
    if as_json:
        write_json(
            {
                "path": str(target),
                "generator": made.generator,
                "model": made.model,
                "style": made.style,
                "tempo_bpm": pattern.tempo_bpm,
                "metre": str(pattern.metre),
                "bars": pattern.bars,
                "notes": len(pattern.hits),
                "seed": made.seed,
                "remarks": list(made.remarks),
                "dry_run": dry_run,
            }
        )
    for remark in made.remarks:
        say(f"Note: {remark}.")
    by = f"model {made.model}" if made.model else "a template"
    what = f"{pattern.bars} bars of {made.style or 'drums'} at {pattern.tempo_bpm:g} BPM in {pattern.metre}"
    verb = ("Would replace" if replaces else "Would write") if dry_run else ("Replaced" if replaces else "Wrote")
    say(f"{verb} {target}: {what}, {len(pattern.hits)} notes by {by}, seed {made.seed}.")
