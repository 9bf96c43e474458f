"""All stores on one connection."""

from sqlalchemy import Connection

from cratehand.catalogue.carrying import SqlCarryStore
from cratehand.catalogue.collection import SqlCollectionStore
from cratehand.catalogue.cues import SqlCueStore
from cratehand.catalogue.facts import SqlFactStore
from cratehand.catalogue.folders import SqlFolderStore, SqlStateStore
from cratehand.catalogue.jobs import SqlJobStore
from cratehand.catalogue.plans import SqlPlanStore
from cratehand.catalogue.playlists import SqlPlaylistStore
from cratehand.catalogue.tracks import SqlTrackStore
from cratehand.catalogue.vector_memory import VectorMemory
from cratehand.catalogue.vectors import SqlVectorStore


class SqlStores:
    """`Stores` inside one transaction; not to be used after its end."""

    def __init__(
        self, connection: Connection, *, ignore_case: bool, has_vec: bool, vector_memory: VectorMemory | None = None
    ) -> None:
        self.connection = connection
        """For other parts of the catalogue."""
        self.tracks = SqlTrackStore(connection, ignore_case=ignore_case)
        self.facts = SqlFactStore(connection)
        self.cues = SqlCueStore(connection)
        self.playlists = SqlPlaylistStore(connection)
        self.collection = SqlCollectionStore(connection, ignore_case=ignore_case)
        self.plans = SqlPlanStore(connection, ignore_case=ignore_case)
        self.carrying = SqlCarryStore(connection, ignore_case=ignore_case)
        self.jobs = SqlJobStore(connection)
        self.vectors = SqlVectorStore(connection, has_vec=has_vec, memory=vector_memory)
        self.folders = SqlFolderStore(connection, ignore_case=ignore_case)
        self.state = SqlStateStore(connection)
