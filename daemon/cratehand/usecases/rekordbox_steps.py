"""What the DJ has to do in Rekordbox after a plan, where nothing is written into its database."""

from pathlib import Path

from cratehand.domain.plan_record import PlanRecord, PlanState


def rekordbox_steps(plan: PlanRecord, exports: Path) -> list[str]:
    """Return the exact steps; none for plans that Rekordbox has nothing to do with.

    Rekordbox does not update tracks it already has when XML is imported in the plain way; that it does where the tracks
    are selected inside the playlist and imported to the collection once more.
    """
    if plan.tell is None or plan.state not in {PlanState.APPLIED, PlanState.UNDONE, PlanState.OPEN}:
        return []
    queued = plan.record.get("rekordbox", {})
    if queued.get("state") in {"written", "undone"}:
        notes = queued["record"].get("notes", ())
        restore = queued["record"]["restore_command"]
        return ["Rekordbox was told in its own database.", *notes, f"To put that back: {restore}"]
    if queued.get("state") in {"waiting", "undo_waiting"}:
        return ["It is written into Rekordbox's database as soon as Rekordbox has been closed."]
    steps = []
    swap = plan.swap
    if swap is not None and swap.target != swap.current.path:
        old, new = swap.current.path, swap.target
        if plan.state is PlanState.UNDONE:
            old, new = new, old
        steps.append(
            f"In Rekordbox: File > Display All Missing Files, select {old.name}, Relocate, choose {new} "
            "(lists, rating and play count stay)"
        )
    steps += [
        f"Preferences > Advanced > Database > rekordbox xml: choose {xml_of(exports, plan.tell.playlist)}",
        f'In the tree open "rekordbox xml" > Playlists > "{plan.tell.playlist}" (the arrow beside it reads it again)',
        "Select all tracks in it, right-click, Import To Collection, and answer Yes to overwriting: cues and grid of "
        "tracks that Rekordbox already has change with this step only",
        "Right-click the tracks, Analyze Track, so that the waveform is that of the file there is now",
    ]
    return [f"{number}. {step}" for number, step in enumerate(steps, start=1)]


def xml_of(exports: Path, playlist: str) -> Path:
    """Return the file that the XML of a playlist is written to."""
    return exports / f"{playlist}.xml"
