"""One track for one sound: files with the same content on different devices become one track."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from cratehand.catalogue.master.rows import select_by_keys, select_by_names
from cratehand.catalogue.merging import absorb_track


def unite(connection: Connection, device: str, digests: Iterable[str | None]) -> int:
    """Merge tracks of one digest of which no two have a file on the same device; return how many were merged.

    Two copies on one device stay two tracks, since each is a file of its own there. The smaller key stays, so that
    every device decides alike.

    Args:
        connection: The device's, inside a write transaction.
        device: Its name.
        digests: Where to look.
    """
    wanted = {digest for digest in digests if digest is not None}
    statement = "SELECT digest, track, path IS NOT NULL FROM tracks WHERE digest {keys}"
    groups: dict[str, dict[int, set[str]]] = {}
    for digest, track, is_here in select_by_names(connection, statement, sorted(wanted)):
        groups.setdefault(digest, {})[track] = {device} if is_here else set()
    alike = [group for group in groups.values() if len(group) > 1]
    places = select_by_keys(
        connection, "SELECT track, device FROM places WHERE track {keys}", [track for group in alike for track in group]
    )
    by_track = {track: group for group in alike for track in group}
    for track, other in places:
        by_track[track][track].add(other)
    merged = 0
    for group in alike:
        for keeper, track in _pairs(sorted(group.items())):
            absorb_track(connection, keeper, track)
            merged += 1
    return merged


def _pairs(tracks: Sequence[tuple[int, set[str]]]) -> list[tuple[int, int]]:
    """Return which track goes into which smaller one."""
    keepers: list[tuple[int, set[str]]] = []
    pairs: list[tuple[int, int]] = []
    for track, devices in tracks:
        keeper = next((each for each in keepers if devices and each[1] and not each[1] & devices), None)
        if keeper is None:
            keepers.append((track, set(devices)))
        else:
            keeper[1].update(devices)
            pairs.append((keeper[0], track))
    return pairs
