"""A look at the whole catalogue, for `doctor`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, NullPool, Row, and_, create_engine, or_, select

from cratehand.catalogue import schema
from cratehand.catalogue.believed import COLUMNS, compute_rows
from cratehand.catalogue.driver import Driver, choose_driver
from cratehand.catalogue.fact_text import TAKEN_BACK, parse_fact
from cratehand.catalogue.failures import translated
from cratehand.catalogue.keys import CHUNK, id_of
from cratehand.catalogue.playlist_tree import load_nodes
from cratehand.domain.errors import CorruptFileError, InvalidInputError, NotFoundError
from cratehand.domain.fields import Field
from cratehand.domain.job import JobState
from cratehand.domain.provenance import SourceKind

_SHOWN: Final = 20
"""So many findings of one kind are told; the rest is a number."""

_RUNNING: Final = JobState.RUNNING.value
_FINAL: Final = [state.value for state in JobState if state.is_final]


def check(path: Path) -> list[str]:
    """Look at every page, reference, fact, believed value, job, playlist and vector of a catalogue.

    The daemon may go on meanwhile: what is looked at is one moment. A catalogue of 50,000 tracks takes seconds.

    Returns:
        One line for each finding, none where all is well.

    Raises:
        NotFoundError: There is no catalogue.
        UnavailableError: It can not be opened now.
    """
    if not path.is_file():
        raise NotFoundError(f"there is no catalogue at {path}")
    driver = choose_driver()
    try:
        with translated(path):
            return _look(path, driver)
    except CorruptFileError as error:
        return [str(error)]


def _look(path: Path, driver: Driver) -> list[str]:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        module=driver.module,
        poolclass=NullPool,
        connect_args={"isolation_level": None},
    )
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.exec_driver_sql("BEGIN")
        broken = [str(row[0]) for row in connection.exec_driver_sql(f"PRAGMA integrity_check({_SHOWN})")]
        if broken != ["ok"]:
            # Nothing read from damaged pages can be trusted.
            return [f"damaged: {finding}" for finding in broken]
        findings: list[str] = []
        for look in (_version, _references, _facts, _believed, _jobs, _playlists, _vectors):
            findings += _first(look(connection))
        return findings


def _first(findings: Iterator[str]) -> list[str]:
    told = [finding for _, finding in zip(range(_SHOWN), findings, strict=False)]
    more = sum(1 for _ in findings)
    return [*told, f"and {more} more of this kind"] if more else told


def _version(connection: Connection) -> Iterator[str]:
    names = set(connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars())
    for table in schema.metadata.sorted_tables:
        if table.name not in names:
            raise CorruptFileError(f"no catalogue of this cratehand: it has no table {table.name}")
    version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if version != schema.HEAD:
        yield f"schema {version}, this cratehand knows {schema.HEAD}"


def _references(connection: Connection) -> Iterator[str]:
    for table, row, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield f"{table}, row {row}: refers to something in {parent} that is not there"


def _facts(connection: Connection) -> Iterator[str]:
    provenances, facts = schema.provenances.c, schema.facts.c
    kinds = [kind.value for kind in SourceKind]
    for kind in connection.scalars(select(provenances.kind).where(provenances.kind.not_in(kinds)).distinct()):
        yield f"facts of a source of the kind {kind!r}, which this cratehand does not know"
    query = select(facts.track, facts.field, facts.value, facts.confidence).execution_options(yield_per=CHUNK)
    for track, field, value, confidence in connection.execute(query):
        try:
            if value != TAKEN_BACK:
                parse_fact(Field(field), value)
        except (InvalidInputError, ValueError) as error:
            yield f"track {id_of(track)}: a fact that does not read: {error}"
        if not 0.0 <= confidence <= 1.0:
            yield f"track {id_of(track)}: {field} with a confidence of {confidence}"


def _believed(connection: Connection) -> Iterator[str]:
    keys = connection.scalars(select(schema.tracks.c.track).order_by(schema.tracks.c.track)).all()
    table = schema.believed
    for start in range(0, len(keys), CHUNK):
        piece = keys[start : start + CHUNK]
        rows = connection.execute(select(table).where(table.c.track.in_(piece)))
        kept = {row.track: tuple(row._mapping[name] for name in COLUMNS) for row in rows}
        for row in compute_rows(connection, piece):
            yield from _differences(row, kept.get(int(str(row[0]))))


def _differences(row: Sequence[object], kept: Sequence[object] | None) -> Iterator[str]:
    track = id_of(int(str(row[0])))
    if kept is None:
        yield f"track {track}: nothing is kept of what is believed of it"
        return
    for name, right, wrong in zip(COLUMNS, row, kept, strict=True):
        if right != wrong:
            yield f"track {track}: {name} is kept as {wrong!r}, its facts say {right!r}"


def _jobs(connection: Connection) -> Iterator[str]:
    jobs = schema.jobs.c
    no_start = and_(jobs.state == _RUNNING, or_(jobs.started_at_s.is_(None), jobs.attempts < 1))
    no_end = and_(jobs.state.in_(_FINAL), jobs.finished_at_s.is_(None))
    open_with_end = and_(jobs.state.not_in(_FINAL), jobs.finished_at_s.is_not(None))
    unknown = jobs.state.not_in([state.value for state in JobState])
    query = select(schema.jobs).where(or_(no_start, no_end, open_with_end, unknown))
    for row in connection.execute(query):
        yield _describe(row)


def _describe(row: Row[tuple[object, ...]]) -> str:
    return (
        f"job {row.id} is {row.state} with {row.attempts} attempts, "
        f"start {row.started_at_s} and end {row.finished_at_s}: that can not be"
    )


def _playlists(connection: Connection) -> Iterator[str]:
    whole = {node.id: node for node in load_nodes(connection)}
    table = schema.playlists.c
    for playlist_id, name, parent_id in connection.execute(select(table.id, table.name, table.parent_id)):
        if parent_id is not None and whole[playlist_id].parent_id is None:
            yield f"playlist {name!r} lies in a folder that is not there or in itself; it is shown at the top"


def _vectors(connection: Connection) -> Iterator[str]:
    spaces, embeddings = schema.spaces.c, schema.embeddings.c
    query = select(spaces.id, embeddings.track, embeddings.vector).join_from(schema.embeddings, schema.spaces)
    for space, track, vector in connection.execute(query.execution_options(yield_per=CHUNK)):
        dimension = str(space).split("/")[-2]
        if not dimension.isdecimal() or len(vector) != 4 * int(dimension):
            yield f"track {id_of(track)}: a vector of {len(vector)} bytes in the space {space}"
