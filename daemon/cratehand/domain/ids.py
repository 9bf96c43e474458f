"""Identifiers. Each is a plain string at run time and a type of its own to the checker."""

from typing import NewType

TrackId = NewType("TrackId", str)
"""One track of the catalogue: 16 hex digits, random, the same for the life of the track."""

PlaylistId = NewType("PlaylistId", str)
"""One playlist or folder of the catalogue: 16 hex digits, random."""

JobId = NewType("JobId", str)
"""One piece of durable work: 16 hex digits, random."""

PlanId = NewType("PlanId", str)
"""One plan: 16 hex digits, random."""

ContentDigest = NewType("ContentDigest", str)
"""What a track sounds like, independent of its tags: ``<method>:<hex>``, see `cratehand.audio.digest`."""

ForeignId = NewType("ForeignId", str)
"""The id that a foreign program gave to its own row, e.g. Rekordbox's ``djmdContent.ID``."""

SpaceId = NewType("SpaceId", str)
"""An embedding space: ``<model>/<version>/<dimension>/<metric>``; vectors of two spaces never meet."""
