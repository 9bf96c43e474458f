"""What a device tells the others of its plans: enough to list them, nothing that could be applied.

A plan is about files at the paths of one device. What travels is who wanted what, when and why, and what it changes in
words, without a path; on other devices it lies in a table of its own, which no use case reads that applies or undoes.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from cratehand.catalogue.master.row_entity import Key, RowEntity, Value
from cratehand.catalogue.master.rows import is_postgres, select_by_names
from cratehand.domain.plan_elsewhere import changes_without_places
from cratehand.domain.plan_json import step_from_json

PLAN_COLUMNS: Final = (
    "device", "device_name", "kind", "state", "who", "why", "track", "created_at_s", "applied_at_s", "undone_at_s",
    "changes",
)  # fmt: skip
_MINE: Final = (
    "SELECT id, json_extract(s.value, '$.device'), coalesce(json_extract(s.value, '$.name'), ''), kind, p.state, who, "
    "why, track, created_at_s, applied_at_s, undone_at_s, steps "
    "FROM plans p JOIN state s ON s.name = 'master.binding' WHERE id {keys}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEntity(RowEntity):
    """Plans of all devices: on each its own as they are, those of the others as they were told."""

    def all_keys(self) -> str:
        return "SELECT 0, id FROM plans UNION SELECT 0, id FROM plans_elsewhere"

    def read(self, connection: Connection, keys: Iterable[Key]) -> dict[Key, Value]:
        wanted = list(keys)
        found = RowEntity.read(self, connection, wanted)
        if not is_postgres(connection):
            for name, *row, steps in select_by_names(connection, _MINE, sorted({name for _, name in wanted})):
                found[0, name] = (*row, _changes(steps))
        return found

    def write(self, connection: Connection, values: Mapping[Key, Value]) -> None:
        mine: set[str] = set()
        if not is_postgres(connection):
            # What this device did itself it knows best.
            names = sorted({name for _, name in values})
            mine = {row[0] for row in select_by_names(connection, "SELECT id FROM plans WHERE id {keys}", names)}
        RowEntity.write(self, connection, {key: value for key, value in values.items() if key[1] not in mine})


def _changes(steps: str) -> str:
    told = changes_without_places(step_from_json(raw) for raw in json.loads(steps))
    plain = [{"what": each.what, "where": each.where, "before": each.before, "after": each.after} for each in told]
    return json.dumps(plain, ensure_ascii=True, separators=(",", ":"))
