"""The files of one plan: copies beside, one rename, then clearing away; and the same way back."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cratehand.domain.errors import ConflictError, CratehandError, InternalError, UnavailableError
from cratehand.domain.file_ports import FileSwapper, TagWriter
from cratehand.domain.plan_record import FileState, PlanRecord, SwapFile
from cratehand.domain.track import FileStamp

_LONGEST_STEM: Final = 60


class StaleError(ConflictError):
    """A file is no longer the one that the plan was made for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the files of a plan are meanwhile; all follow from its id, so that a crash forgets none."""

    new: Path
    """Beside the target, hidden."""
    old_again: Path
    """Beside the current file, hidden: on the way back."""
    landed_again: Path | None
    trash: Path
    trash_old: Path
    trash_landed: Path | None


class PlanFiles:
    """Does the step `SwapFile` of plans, and undoes it. Every method may be called again after a crash in it."""

    def __init__(self, files: FileSwapper, tags: TagWriter, *, trash: Path) -> None:
        self._files = files
        self._tags = tags
        self._trash = trash

    def places(self, plan: PlanRecord) -> Places:
        """Return where things are."""
        swap, folder = _swap(plan), self._trash / plan.id
        landed = None if swap.landed is None else swap.landed.path
        return Places(
            new=_hidden(swap.target, plan, "new"),
            old_again=_hidden(swap.current.path, plan, "old"),
            landed_again=None if landed is None else _hidden(landed, plan, "landed"),
            trash=folder,
            trash_old=folder / "old" / swap.current.path.name,
            trash_landed=None if landed is None else folder / "landed" / landed.name,
        )

    # --- forth --------------------------------------------------------------------------------------------------

    def require_fresh(self, plan: PlanRecord) -> None:
        """See that all files are what the plan was made for and the target is free.

        Raises:
            StaleError: One is not.
            ConflictError: Another file has the name of the new one.
            UnavailableError: No room, or no right to write.
        """
        swap = _swap(plan)
        for known in (swap.current, swap.landed):
            if known is not None:
                self._require_same(known)
        stamp = self._files.stamp(swap.target)
        if stamp is not None and not self._is_ours(swap, swap.target):
            raise ConflictError(f"{swap.target} is there already: rename it or move it away, nothing is overwritten")
        size_bytes = (swap.landed or swap.current).stamp.size_bytes
        self._files.require_room(swap.target.parent, size_bytes)
        if swap.landed is not None:
            self._files.require_room(swap.landed.path.parent, 0)  # it is taken away from there in the end

    def prepare(self, plan: PlanRecord) -> dict[str, Any]:
        """Make all copies; nothing that is there changes. Returns what the record needs."""
        swap, places = _swap(plan), self.places(plan)
        source = swap.landed or swap.current
        self.roll_back(plan)
        self._files.copy(source.path, places.new)
        if swap.merges_tags:
            self._tags.merge(swap.current.path, places.new)
        if swap.tags or swap.cover is not None:
            self._tags.write(places.new, swap.tags, cover=swap.cover)
        self._files.flush(places.new)
        new = self._files.state(places.new)
        if new.digest != source.digest:
            raise InternalError(f"{source.path}: writing tags would have touched the sound; nothing was changed")
        self._files.keep(swap.current.path, places.trash_old)
        if swap.landed is not None and places.trash_landed is not None:
            self._files.keep(swap.landed.path, places.trash_landed)
        record = {
            "new": {"bytes": self._files.bytes_digest(places.new), "digest": new.digest},
            "old": {"bytes": self._files.bytes_digest(places.trash_old), "path": str(swap.current.path)},
            "landed": None
            if places.trash_landed is None or swap.landed is None
            else {"bytes": self._files.bytes_digest(places.trash_landed), "path": str(swap.landed.path)},
        }
        self._files.note(
            places.trash / "record.json", json.dumps({"plan": plan.id, "why": plan.why, **record}, indent=1)
        )
        return record

    def switch(self, plan: PlanRecord) -> None:
        """Let the new file take its name: the point of no return."""
        swap = _swap(plan)
        over = self._files.stamp(swap.target) is not None
        if over and not self._is_ours(swap, swap.target):
            raise ConflictError(f"{swap.target} is there already: nothing is overwritten")
        self._files.place(self.places(plan).new, swap.target, over=over)

    def is_switched(self, plan: PlanRecord) -> bool:
        """Whether the new file has its name."""
        return self._files.bytes_digest(_swap(plan).target) == str(plan.record["new"]["bytes"])

    def finish(self, plan: PlanRecord) -> None:
        """Take away what was replaced; its bytes are in the trash."""
        swap = _swap(plan)
        self._files.remove(self.places(plan).new)
        for known in (swap.current, swap.landed):
            if known is not None and not self._files.are_same(known.path, swap.target):
                self._remove_known(known)

    def roll_back(self, plan: PlanRecord) -> None:
        """Take the copies away; all is as it was."""
        places = self.places(plan)
        self._files.remove(places.new)
        self._files.remove(places.trash)

    # --- back ---------------------------------------------------------------------------------------------------

    def require_undoable(self, plan: PlanRecord) -> None:
        """See that the way back is free; raises `ConflictError` saying exactly what stands in it."""
        swap, places = _swap(plan), self.places(plan)
        if (now := self._files.bytes_digest(swap.target)) is None:
            raise ConflictError(f"{swap.target} is not there any more, so it can not be put back: bring it back first")
        if now != plan.record["new"]["bytes"]:
            raise ConflictError(
                f"{swap.target} was changed since by another program (its tags, or the whole file): undoing would lose "
                "that; move it away or put the file as it was there"
            )
        for kept, known in ((places.trash_old, plan.record["old"]), (places.trash_landed, plan.record["landed"])):
            if kept is not None and self._files.bytes_digest(kept) != known["bytes"]:
                raise ConflictError(f"{kept} is not in the trash any more: what was there can not be brought back")
        for known_file in (swap.current, swap.landed):
            if known_file is None or self._files.are_same(known_file.path, swap.target):
                continue
            if self._files.stamp(known_file.path) is not None:
                raise ConflictError(f"{known_file.path} is taken by another file by now: move that away first")
            if not known_file.path.parent.is_dir():
                raise ConflictError(f"the folder {known_file.path.parent} is not there any more: make it first")
        for path in (swap.current.path, swap.landed.path if swap.landed else swap.current.path):
            self._files.require_room(path.parent, swap.current.stamp.size_bytes)

    def prepare_back(self, plan: PlanRecord) -> None:
        """Put what was there beside its name; nothing that is there changes."""
        places = self.places(plan)
        self.roll_forward(plan)
        self._files.keep(places.trash_old, places.old_again)
        if places.trash_landed is not None and places.landed_again is not None:
            self._files.keep(places.trash_landed, places.landed_again)

    def switch_back(self, plan: PlanRecord) -> None:
        """Let the old file take its name: the point of no return of the way back."""
        swap = _swap(plan)
        over = self._files.are_same(swap.current.path, swap.target)
        if not self.is_switched_back(plan):
            self._files.place(self.places(plan).old_again, swap.current.path, over=over)

    def is_switched_back(self, plan: PlanRecord) -> bool:
        """Whether the old file has its name again."""
        return self._files.bytes_digest(_swap(plan).current.path) == str(plan.record["old"]["bytes"])

    def return_landed(self, plan: PlanRecord) -> None:
        """Put the landed file where it landed."""
        swap, places = _swap(plan), self.places(plan)
        if swap.landed is None or places.landed_again is None:
            return
        if self._files.bytes_digest(swap.landed.path) != plan.record["landed"]["bytes"]:
            over = self._files.are_same(swap.landed.path, swap.target)
            self._files.place(places.landed_again, swap.landed.path, over=over)

    def finish_back(self, plan: PlanRecord) -> None:
        """Take the new file away where its name was its own."""
        swap = _swap(plan)
        old_names = [swap.current.path, *([swap.landed.path] if swap.landed else [])]
        if (
            not any(self._files.are_same(name, swap.target) for name in old_names)
            and self._files.bytes_digest(swap.target) == plan.record["new"]["bytes"]
        ):
            self._files.remove(swap.target)
        self.roll_forward(plan)

    def roll_forward(self, plan: PlanRecord) -> None:
        """Take away the copies of a way back that was not gone."""
        places = self.places(plan)
        self._files.remove(places.old_again)
        if places.landed_again is not None:
            self._files.remove(places.landed_again)

    def throw_away(self, plan: PlanRecord) -> None:
        """Empty the trash of one plan."""
        self._files.remove(self.places(plan).trash)

    def stamp_of(self, path: Path) -> FileStamp:
        """Return the stamp of a file that is there."""
        stamp = self._files.stamp(path)
        if stamp is None:
            raise UnavailableError(f"{path} is not there")
        return stamp

    def _require_same(self, known: FileState) -> None:
        try:
            stamp = self._files.stamp(known.path)
            if stamp is None:
                raise StaleError(f"{known.path} is not there any more: this plan is void")
            if not known.is_same(stamp) or self._files.state(known.path).digest != known.digest:
                raise StaleError(f"{known.path} was changed since the plan was made: this plan is void")
        except StaleError:
            raise
        except CratehandError as error:
            raise UnavailableError(f"{known.path} can not be looked at now: {error}") from error

    def _is_ours(self, swap: SwapFile, path: Path) -> bool:
        known = (swap.current.path, *([swap.landed.path] if swap.landed else []))
        return any(self._files.are_same(path, name) for name in known)

    def _remove_known(self, known: FileState) -> None:
        stamp = self._files.stamp(known.path)
        # Whoever wrote there in this very moment keeps the file.
        if stamp is not None and known.is_same(stamp):
            self._files.remove(known.path)


def _hidden(path: Path, plan: PlanRecord, what: str) -> Path:
    return path.with_name(f".{path.stem[:_LONGEST_STEM]}.{plan.id}.{what}{path.suffix}")


def _swap(plan: PlanRecord) -> SwapFile:
    if plan.swap is None:
        raise InternalError(f"plan {plan.id} touches no files")
    return plan.swap
