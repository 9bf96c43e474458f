import hashlib
import shutil
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from cratehand.catalogue import SqliteCatalogue, backup, check, choose_driver, migrate, open_device, restore, schema
from cratehand.catalogue.migrate import BACKUPS_KEPT, MIGRATIONS
from cratehand.domain.errors import (
    ConflictError,
    CorruptFileError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from cratehand.domain.fields import Field
from tests.unit.catalogue.building import a_fact, a_track, track_id

JOB = "INSERT INTO jobs (id, kind, state, priority, created_at_s, attempts)"

NEXT = '''
"""A revision of the test."""
import sqlalchemy as sa
from alembic import op
revision = "{revision}"
down_revision = "{before}"
branch_labels = depends_on = None
def upgrade():
    op.add_column("tracks", sa.Column("{column}", sa.Text()))
    {more}
def downgrade():
    op.drop_column("tracks", "{column}")
'''


def execute(path: Path, *statements: str) -> list[tuple[object, ...]]:
    with closing(choose_driver().module.connect(str(path), isolation_level=None)) as connection:
        return [row for statement in statements for row in connection.execute(statement).fetchall()]


def layout(path: Path) -> dict[str, list[str]]:
    """Return the parts of each definition; in which order constraints stand makes no difference."""
    rows = execute(path, "SELECT name, sql FROM sqlite_master")
    return {str(name): sorted(parts(" ".join(str(sql).split()))) for name, sql in rows}


def parts(definition: str) -> list[str]:
    """Split at the outermost brackets and the commas directly inside them."""
    found, depth = [""], 0
    for letter in definition:
        depth += (letter == "(") - (letter == ")")
        is_cut = (letter in "()" and depth == (letter == "(")) or (letter == "," and depth == 1)
        if is_cut:
            found.append("")
        else:
            found[-1] += letter
    return [part.strip() for part in found]


def revisions(folder: Path, *, more: str = "pass") -> Path:
    """Copy our revisions and add one of the test behind them."""
    scripts = shutil.copytree(MIGRATIONS, folder / "scripts", dirs_exist_ok=True)
    text = NEXT.format(revision="t001", before=schema.HEAD, column="extra", more=more)
    (scripts / "versions" / "t001_test.py").write_text(text)
    return scripts


def filled(path: Path) -> SqliteCatalogue:
    catalogue = open_device(path)
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(number) for number in range(50)])
        stores.facts.record(track_id(1), [a_fact(Field.TITLE, "kept")])
    return catalogue


def title(path: Path) -> object:
    catalogue = open_device(path)
    with catalogue.reading() as stores:
        summary = stores.tracks.summary(track_id(1))
    catalogue.close()
    return summary and summary.title


def test_a_fresh_catalogue_equals_a_migrated_one(tmp_path: Path) -> None:
    open_device(tmp_path / "fresh.db").close()
    assert migrate(tmp_path / "migrated.db") is None
    assert layout(tmp_path / "fresh.db") == layout(tmp_path / "migrated.db")
    version = execute(tmp_path / "migrated.db", "SELECT version_num FROM alembic_version")
    assert version == [(schema.HEAD,)]
    open_device(tmp_path / "migrated.db").close()
    assert check(tmp_path / "migrated.db") == []


def test_the_schema_goes_down_again(tmp_path: Path) -> None:
    from alembic import command
    from sqlalchemy import create_engine

    from cratehand.catalogue.migrate import alembic_config

    path = tmp_path / "catalogue.db"
    migrate(path)
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = alembic_config(MIGRATIONS)
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    engine.dispose()
    assert set(layout(path)) <= {"alembic_version", "sqlite_autoindex_alembic_version_1"}


def test_a_catalogue_of_today_is_not_touched(path: Path) -> None:
    filled(path).close()
    assert migrate(path) is None
    assert not (path.parent / "backups").exists()


def test_an_older_catalogue_is_backed_up_and_then_migrated(path: Path, tmp_path: Path) -> None:
    filled(path).close()
    saved = migrate(path, scripts=revisions(tmp_path))
    assert saved is not None
    assert saved.parent == path.parent / "backups"
    assert saved.name.startswith(f"catalogue-{schema.HEAD}-")
    assert "extra" in str(layout(path)["tracks"])
    assert "extra" not in str(layout(saved)["tracks"])
    assert execute(path, "SELECT count(*) FROM tracks") == [(50,)]
    assert title(saved) == "kept"
    # This cratehand does not know what that revision made, and leaves it alone.
    with pytest.raises(UnsupportedError, match="t001"):
        open_device(path)


def test_a_migration_that_fails_leaves_everything_as_it_was(path: Path, tmp_path: Path) -> None:
    filled(path).close()
    before = layout(path)
    with pytest.raises(RuntimeError, match="half way"):
        migrate(path, scripts=revisions(tmp_path, more='raise RuntimeError("half way")'))
    assert layout(path) == before
    assert title(path) == "kept"
    with pytest.raises(CorruptFileError, match="refers to nothing"):
        migrate(path, scripts=revisions(tmp_path, more='op.execute("DELETE FROM tracks")'))
    assert title(path) == "kept"
    assert check(path) == []


def test_the_newest_backups_are_kept(path: Path, tmp_path: Path) -> None:
    filled(path).close()
    folder = path.parent / "backups"
    folder.mkdir()
    for number in range(8):
        (folder / f"catalogue-0000-{number}.db").write_text("old")
        time.sleep(0.002)
    (folder / "mine.db").write_text("not ours to remove")
    saved = migrate(path, scripts=revisions(tmp_path))
    left = sorted(folder.glob("catalogue-*.db"))
    assert len(left) == BACKUPS_KEPT
    assert saved in left
    assert (folder / "catalogue-0000-7.db") in left
    assert (folder / "mine.db").exists()


def test_a_migration_waits_its_turn_and_then_says_so(path: Path, tmp_path: Path) -> None:
    holder = filled(path)
    with holder.writing(), pytest.raises(UnavailableError):
        migrate(path, scripts=revisions(tmp_path), lock_wait_s=0.1)
    holder.close()
    assert title(path) == "kept"


def test_a_backup_is_whole_while_others_write(path: Path, tmp_path: Path) -> None:
    catalogue, stop = filled(path), threading.Event()
    written: list[int] = []

    def write() -> None:
        number = 1000
        while not stop.is_set():
            with catalogue.writing() as stores:
                # Two by two, so that half a transaction would show.
                stores.tracks.add([a_track(number), a_track(number + 1)])
            written.append(number)
            number += 2

    writer = threading.Thread(target=write)
    writer.start()
    try:
        copies = [backup(path, tmp_path / "copies" / f"{number}.db") for number in range(4)]
    finally:
        stop.set()
        writer.join(30)
    assert written
    for copy in copies:
        assert check(copy) == []
        assert execute(copy, "SELECT count(*) % 2 FROM tracks") == [(0,)]
        assert [path.name for path in copy.parent.glob(f"*{copy.stem}*")] == [copy.name]
    catalogue.close()


def test_a_backup_that_fails_leaves_the_one_before(path: Path, tmp_path: Path) -> None:
    filled(path).close()
    target = backup(path, tmp_path / "copy.db")
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xa5" * 4096 * 40)
    with pytest.raises(CorruptFileError):
        backup(path, target)
    assert hashlib.sha256(target.read_bytes()).hexdigest() == digest
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["copy.db"]


def test_what_can_not_be_backed_up_is_told(path: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        backup(path, tmp_path / "copy.db")
    filled(path).close()
    with pytest.raises(InvalidInputError):
        backup(path, path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError):
        backup(path, tmp_path / "file" / "copy.db")


def test_a_restored_catalogue_is_the_backup_and_the_replaced_one_is_kept(path: Path, tmp_path: Path) -> None:
    catalogue = filled(path)
    saved = backup(path, tmp_path / "copy.db")
    with catalogue.writing() as stores:
        stores.facts.record(track_id(1), [a_fact(Field.TITLE, "later", at_s=9.0)])
    catalogue.close()
    replaced = restore(saved, path)
    assert replaced is not None
    assert replaced.parent == path.parent / "backups"
    assert title(path) == "kept"
    assert title(replaced) == "later"
    assert check(path) == []
    assert saved.exists()


def test_restoring_where_nothing_was_makes_the_catalogue(path: Path, tmp_path: Path) -> None:
    filled(path).close()
    saved = backup(path, tmp_path / "copy.db")
    assert restore(saved, tmp_path / "other" / "catalogue.db") is None
    assert title(tmp_path / "other" / "catalogue.db") == "kept"


def test_a_damaged_catalogue_is_replaced_and_its_bytes_are_kept(path: Path, tmp_path: Path) -> None:
    filled(path).close()
    saved = backup(path, tmp_path / "copy.db")
    path.write_bytes(b"not a database at all" * 300)
    replaced = restore(saved, path)
    assert replaced is not None
    assert replaced.read_bytes().startswith(b"not a database")
    assert title(path) == "kept"


def test_a_catalogue_in_use_is_not_replaced(path: Path, tmp_path: Path) -> None:
    catalogue = filled(path)
    saved = backup(path, tmp_path / "copy.db")
    with catalogue.reading() as stores:
        stores.tracks.counts()
        with pytest.raises(ConflictError, match="open in another program"):
            restore(saved, path)
    catalogue.close()
    assert title(path) == "kept"
    assert not list(path.parent.glob(".*restored*"))


def test_only_a_whole_catalogue_of_a_known_version_is_restored(path: Path, tmp_path: Path) -> None:
    filled(path).close()
    bad = tmp_path / "bad.db"
    with pytest.raises(NotFoundError):
        restore(bad, path)
    for content in (b"", b"no database" * 900):
        bad.write_bytes(content)
        with pytest.raises(CorruptFileError):
            restore(bad, path)
    bad.unlink()
    execute(bad, "CREATE TABLE theirs (x)")
    with pytest.raises(CorruptFileError):
        restore(bad, path)
    bad.unlink()
    backup(path, bad)
    execute(bad, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(UnsupportedError, match="9999"):
        restore(bad, path)
    with pytest.raises(InvalidInputError):
        restore(path, path)
    assert title(path) == "kept"


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        ("UPDATE facts SET value = '5' WHERE field = 'title'", "does not read"),
        ("UPDATE facts SET confidence = 7", "confidence of 7"),
        ("UPDATE believed SET title = 'other' WHERE title IS NOT NULL", "its facts say 'kept'"),
        ("DELETE FROM believed WHERE title IS NOT NULL", "nothing is kept"),
        ("UPDATE facts SET provenance = 77", "provenances"),
        (f"{JOB} VALUES ('a', 'analyse', 'running', 0, 1, 0)", "job a is running"),
        (f"{JOB} VALUES ('a', 'analyse', 'done', 0, 1, 1)", "job a is done"),
        ("INSERT INTO playlists (id, name, kind, parent_id, position, origin) VALUES ('a', 'A', 'folder', 'a', 0, 'x')",
         "playlist 'A'"),
        ("INSERT INTO spaces (space, id) VALUES (1, 'm/1/4/cosine');"
         "INSERT INTO embeddings (space, track, vector) SELECT 1, track, x'0102' FROM tracks LIMIT 1", "2 bytes"),
        ("UPDATE alembic_version SET version_num = '0000'", "schema 0000"),
        ("DROP TABLE cues", "no table cues"),
    ],
)  # fmt: skip
def test_the_check_names_what_is_wrong(path: Path, damage: str, finding: str) -> None:
    filled(path).close()
    assert check(path) == []
    execute(path, *damage.split(";"))
    findings = check(path)
    assert any(finding in line for line in findings), findings
    assert all("\n" not in line for line in findings)


def test_a_circle_of_folders_is_found_and_shown(path: Path) -> None:
    catalogue = filled(path)
    values = "'folder', 0, 'x'"
    execute(
        path,
        f"INSERT INTO playlists (id, name, parent_id, kind, position, origin) VALUES ('a', 'A', 'b', {values})",
        f"INSERT INTO playlists (id, name, parent_id, kind, position, origin) VALUES ('b', 'B', 'a', {values})",
    )
    with catalogue.reading() as stores:
        assert sorted(playlist.name for playlist in stores.playlists.all()) == ["A", "B"]
    catalogue.close()
    assert len(check(path)) == 1


def test_many_findings_of_one_kind_are_counted(path: Path) -> None:
    filled(path).close()
    execute(path, "UPDATE believed SET title = 'x'")
    findings = check(path)
    assert len(findings) == 21
    assert findings[-1] == "and 30 more of this kind"


def test_there_is_nothing_to_check_where_nothing_is(path: Path) -> None:
    with pytest.raises(NotFoundError):
        check(path)
