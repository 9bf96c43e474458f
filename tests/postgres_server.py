"""A real PostgreSQL for tests: one server a test process, a database a test."""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from cratehand.catalogue.master.embedded import EmbeddedServer


class TestServer:
    """The embedded server in a folder that the user it runs as may enter."""

    __test__ = False

    def __init__(self, folder: Path) -> None:
        self.embedded = EmbeddedServer(folder / "postgres", logs=folder / "logs", settings={"fsync": "off"})
        self.url = self.embedded.start().url
        self.port = int(conninfo_to_dict(self.url)["port"])

    def fresh_database(self) -> str:
        """Make a database; return its URL."""
        name = f"t{secrets.token_hex(6)}"
        self.run(f"CREATE DATABASE {name}")
        return self.url.rsplit("/", 1)[0] + "/" + name

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.url, dbname="postgres", autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


@contextmanager
def running_server() -> Iterator[TestServer]:
    """Run a server until the end of the block. Not below pytest's own folder, which is closed to other users."""
    with tempfile.TemporaryDirectory(prefix="cratehand postgres ") as name:
        folder = Path(name)
        folder.chmod(0o711)
        server = TestServer(folder)
        try:
            yield server
        finally:
            server.embedded.stop()
