from collections.abc import Callable

import pytest
from sqlalchemy import inspect

from cratehand.catalogue import schema
from cratehand.catalogue.master.address import MasterAddress, parse_address
from cratehand.catalogue.master.setting_up import look, set_up
from cratehand.catalogue.master.talking import open_engine
from cratehand.catalogue.migrate import MIGRATIONS, alembic_config
from cratehand.catalogue.stores import SqlStores
from cratehand.domain.embedding import EmbeddingSpace
from tests.unit.catalogue.building import a_track, track_id
from tests.unit.catalogue.master.devices import Device, ask_master, master_snapshot, settle
from tests.unit.catalogue.master.test_sync import filled

pytestmark = pytest.mark.postgres


def test_init_makes_says_what_it_did_and_does_nothing_twice(url: str) -> None:
    address = parse_address(url)
    planned = set_up(address, dry_run=True)
    assert (planned.before, planned.after) == (None, schema.HEAD)
    assert ask_master(address, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'cratehand%'") == [(0,)]
    assert set_up(address).before is None
    assert set_up(address).before == schema.HEAD
    assert schema.HEAD in look(address)


def test_the_tables_of_the_migrations_are_those_of_the_schema(address: MasterAddress) -> None:
    engine = open_engine(address)
    found = inspect(engine)
    for table in schema.metadata.sorted_tables:
        columns = {column["name"]: column for column in found.get_columns(table.name)}
        assert set(columns) == set(table.c.keys()), table.name
        for column in table.c:
            assert columns[column.name]["nullable"] == column.nullable, f"{table.name}.{column.name}"
        assert {index["name"] for index in found.get_indexes(table.name)} >= {index.name for index in table.indexes}
    engine.dispose()


def test_a_filled_master_goes_down_and_up_again_and_keeps_what_the_older_schema_knows(
    device: Callable[[str], Device], address: MasterAddress
) -> None:
    from alembic import command

    settle(filled(device("first")))
    before = master_snapshot(address)
    engine = open_engine(address)
    config = alembic_config(MIGRATIONS)
    for step in (lambda: command.downgrade(config, "0001"), lambda: command.upgrade(config, "head")):
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            step()
    engine.dispose()
    assert master_snapshot(address) == before


def test_a_filled_device_goes_down_and_up_again(device: Callable[[str], Device]) -> None:
    from alembic import command
    from sqlalchemy import create_engine

    first = filled(device("first"))
    before = first.snapshot()
    first.close()
    engine = create_engine(f"sqlite:///{first.path}")
    config = alembic_config(MIGRATIONS)
    for step in (lambda: command.downgrade(config, "0001"), lambda: command.upgrade(config, "head")):
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            step()
    engine.dispose()
    assert first.snapshot() == before


def test_the_stores_answer_on_the_master_as_on_the_device(
    device: Callable[[str], Device], address: MasterAddress
) -> None:
    import numpy as np

    first = filled(device("first"))
    settle(first)
    space = EmbeddingSpace(model="t", version="1", dimension=3)
    engine = open_engine(address)
    with engine.connect() as connection, first.catalogue.reading() as here:
        there = SqlStores(connection, ignore_case=False, has_vec=False)
        assert there.facts.facts(track_id(1)) == here.facts.facts(track_id(1))
        assert there.cues.cues(track_id(1)) == here.cues.cues(track_id(1))
        assert there.playlists.all() == here.playlists.all()
        assert there.collection.attributes([track_id(3)]) == here.collection.attributes([track_id(3)])
        wanted = np.array([1, 2, 2], dtype=np.float32)
        near, nearest = here.vectors.nearest(space, wanted, limit=3), there.vectors.nearest(space, wanted, limit=3)
        assert [each.track_id for each in nearest] == [each.track_id for each in near]
        summary, mine = there.tracks.summary(track_id(2)), here.tracks.summary(track_id(2))
        assert summary is not None
        assert mine is not None
        assert (summary.title, summary.year, summary.path) == (mine.title, mine.year, None)
    engine.dispose()


def test_vectors_are_those_of_pgvector_where_the_server_has_it(url: str) -> None:
    import numpy as np

    address = parse_address(url)
    assert set_up(address).has_pgvector
    assert "with pgvector" in look(address)
    engine = open_engine(address)
    space = EmbeddingSpace(model="t", version="1", dimension=3)
    with engine.begin() as connection:
        stores = SqlStores(connection, ignore_case=False, has_vec=False)
        stores.tracks.add([a_track(1), a_track(2), a_track(3)])
        for number, vector in ((1, (1, 0, 0)), (2, (0, 1, 0)), (3, (0, 0, 0))):
            stores.vectors.put(space, track_id(number), np.array(vector, dtype=np.float32))
        near = stores.vectors.nearest(space, np.array([1, 0.1, 0], dtype=np.float32), limit=3)
        assert [each.track_id for each in near] == [track_id(1), track_id(2), track_id(3)]
        assert near[2].distance == 1.0
        assert stores.vectors.get(space, track_id(2)) is not None
    engine.dispose()


def test_vectors_are_bytes_where_the_server_has_no_pgvector_and_become_vectors_when_it_has(
    device: Callable[[str], Device], url: str
) -> None:
    address = parse_address(url)
    set_up(address)
    ask_master(
        address, "ALTER TABLE embeddings DROP COLUMN vector; ALTER TABLE embeddings ADD COLUMN vector bytea NOT NULL"
    )
    first, second = filled(device("first")), device("second")
    settle(first, second)
    assert second.snapshot() == first.snapshot() == master_snapshot(address)
    assert set_up(address).has_pgvector
    assert master_snapshot(address) == first.snapshot()


def test_the_stores_write_on_the_master(address: MasterAddress) -> None:
    engine = open_engine(address)
    with engine.begin() as connection:
        stores = SqlStores(connection, ignore_case=False, has_vec=False)
        stores.tracks.add([a_track(1)])
        assert stores.tracks.counts()["total"] == 1
    engine.dispose()
