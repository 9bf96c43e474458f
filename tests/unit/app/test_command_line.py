"""The command line: exit codes, what goes where, and every verb that needs no daemon."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
import typer

from cratehand.app.cli.application import app
from cratehand.app.cli.tracks import Order
from cratehand.app.data_folder import DataFolder
from cratehand.domain.search import SortOrder
from tests.unit.app.conftest import IDS, Said

Cratehand = Callable[..., Said]


def verbs() -> list[tuple[str, ...]]:
    command: typer.core.TyperGroup = typer.main.get_command(app)  # type: ignore[assignment]
    found: list[tuple[str, ...]] = []
    for name, verb in command.commands.items():
        second = getattr(verb, "commands", None)
        found += [(name, each) for each in second] if second else [(name,)]
    return found


@pytest.mark.parametrize("verb", verbs(), ids=" ".join)
def test_every_verb_explains_itself(verb: tuple[str, ...], cratehand: Cratehand) -> None:
    said = cratehand(*verb, "--help")
    assert said.code == 0
    assert "Usage: cratehand" in said.out
    assert said.err == ""


CHANGING = {
    ("pause",), ("resume",), ("watch", "add"), ("watch", "remove"), ("track", "set"), ("export", "rekordbox"),
    ("export", "m3u8"), ("import", "rekordbox"), ("import", "playlist"), ("service", "install"),
    ("service", "uninstall"), ("backup",), ("restore",), ("master", "init"), ("master", "sync"), ("master", "start"),
    ("master", "stop"), ("drums",), ("playlists", "rename"), ("playlists", "delete"),
}  # fmt: skip


@pytest.mark.parametrize("verb", sorted(CHANGING), ids=" ".join)
def test_every_changing_verb_takes_a_dry_run(verb: tuple[str, ...], cratehand: Cratehand) -> None:
    assert verb in verbs()
    assert "--dry-run" in cratehand(*verb, "--help").out


@pytest.mark.parametrize("verb", sorted(set(verbs()) - {("run",)}), ids=" ".join)
def test_every_verb_with_a_result_gives_it_as_json(verb: tuple[str, ...], cratehand: Cratehand) -> None:
    assert "--json" in cratehand(*verb, "--help").out


def test_without_a_word_the_help_is_shown(cratehand: Cratehand) -> None:
    said = cratehand()
    assert said.code == 0
    assert "Usage" in said.out


@pytest.mark.parametrize(
    "words",
    [
        ("trakcs",),
        ("tracks", "--no-such"),
        ("tracks", "--tempo", "fast"),
        ("tracks", "--camelot", "14A"),
        ("tracks", "--limit", "0"),
        ("tracks", "--order", "x"),
        ("watch",),
        ("watch", "nothing"),
        ("track", "set", "abc", "tempo"),
        ("track", "set", "abc"),
        ("jobs", "--state", "x"),
        ("jobs", "--follow", "--json"),
        ("export", "rekordbox"),
        ("export", "rekordbox", "x.xml", "--suggestions", "all"),
        ("tracks", "--data-dir"),
        ("analyse",),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_code_2_with_a_line_on_stderr(words: tuple[str, ...], cratehand: Cratehand) -> None:
    said = cratehand(*words)
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("cratehand: ")
    assert "--help" in said.err
    assert "Traceback" not in said.err


def test_a_mistyped_verb_names_the_nearest(cratehand: Cratehand) -> None:
    assert "tracks" in cratehand("trakcs").err


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("pause",),
        ("resume", "--dry-run"),
        ("watch", "add", "/tmp"),
        ("watch", "remove", "/tmp", "--json"),
        ("jobs", "--follow"),
    ],
    ids=" ".join,
)
def test_verbs_that_need_the_daemon_say_how_to_start_it(words: tuple[str, ...], cratehand: Cratehand) -> None:
    said = cratehand(*words)
    assert (said.code, said.out) == (1, "")
    assert "the daemon isn't running" in said.err
    assert "`cratehand run`" in said.err
    assert len(said.err.splitlines()) == 1


def test_an_unforeseen_error_is_one_line_and_a_trace_in_the_log(cratehand: Cratehand, folder: DataFolder) -> None:
    folder.make().catalogue.mkdir()
    said = cratehand("tracks")
    assert said.code == 1
    assert len(said.err.splitlines()) == 1
    assert "Traceback" not in said.err


def test_the_data_folder_may_be_named_before_and_after_the_verb(cratehand: Cratehand, tmp_path: Path) -> None:
    for words in (("--data-dir", str(tmp_path / "a"), "tracks"), ("tracks", "--data-dir", str(tmp_path / "b"))):
        assert cratehand(*words).code == 0
    assert (tmp_path / "a" / "catalogue.db").is_file()
    assert (tmp_path / "b" / "catalogue.db").is_file()


def test_a_data_folder_that_is_a_file_is_one_clear_line(cratehand: Cratehand, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = cratehand("tracks", "--data-dir", str(tmp_path / "file"))
    assert said.code == 1
    assert "is a file: choose another with --data-dir" in said.err


def test_wrong_settings_are_named_line_by_line(cratehand: Cratehand, folder: DataFolder) -> None:
    folder.make()
    (folder.path / "cratehand.toml").write_text("[servers]\ngrpc_prot = 1\nosc_prot = 1\n")
    for verb in (("watch", "list"), ("config", "check"), ("run",)):
        said = cratehand(*verb)
        assert said.code == 1
        assert [line.split("[")[0].split(": ")[0] for line in said.err.splitlines()] == ["cratehand"] * 2


def test_a_settings_file_that_was_named_is_checked_also_for_a_mere_look(cratehand: Cratehand, tmp_path: Path) -> None:
    named = tmp_path / "named.toml"
    said = cratehand("tracks", "--config", str(named))
    assert said.code == 1
    assert f"{named} does not exist" in said.err
    named.write_text("[servers]\ngrpc_prot = 1\n")
    assert "did you mean grpc_port?" in cratehand("--config", str(named), "tracks").err


# --- the catalogue -----------------------------------------------------------------------------------------------


def test_an_empty_catalogue_says_how_to_fill_it(cratehand: Cratehand) -> None:
    said = cratehand("tracks")
    assert (said.code, said.out) == (0, "")
    assert "cratehand run --watch FOLDER" in said.err
    assert cratehand("tracks", "--json").json == []


@pytest.mark.usefixtures("crate")
def test_tracks_are_listed_with_the_fields_of_the_surface(cratehand: Cratehand) -> None:
    tracks = cratehand("tracks", "--json").json
    assert [track["title"] for track in tracks] == ["Depot", "Last Stop", "Second Balcony"]
    first = tracks[0]
    assert list(first)[:3] == ["id", "path", "on_this_device"]
    assert {"artist", "tempo_bpm", "key", "camelot", "energy", "duration_s"} <= set(first)
    assert (first["key"], first["camelot"], first["energy"]) == ("A minor", "8A", 7)


@pytest.mark.usefixtures("crate")
def test_tracks_are_filtered_ordered_and_limited(cratehand: Cratehand) -> None:
    def titles(*words: str) -> list[str]:
        return [track["title"] for track in cratehand("tracks", "--json", *words).json]

    assert titles("tram") == ["Depot", "Last Stop"]
    assert titles("tram", "stop") == ["Last Stop"]
    assert titles("--playlist", "Peak", "--order", "title", "--descending") == ["Last Stop", "Depot"]
    assert titles("--camelot", "9B") == []
    assert titles("--limit", "1") == ["Depot"]
    assert titles("--not-analysed") == ["Depot", "Last Stop", "Second Balcony"]


@pytest.mark.usefixtures("crate")
def test_the_table_shows_every_track_on_one_line_of_a_pipe(cratehand: Cratehand) -> None:
    said = cratehand("tracks")
    assert len(said.out.splitlines()) == 4
    assert "aaaaaaaa  Night Tram" in said.out
    assert "3 tracks." in said.err


def test_a_track_is_shown_by_id_beginning_and_path_with_losing_claims(cratehand: Cratehand, crate: list[Path]) -> None:
    for reference in (IDS[0], "aaaa", str(crate[0])):
        said = cratehand("track", reference)
        assert said.code == 0
        assert "Night Tram – Depot" in said.out
    assert "rekordbox/master.db" in said.out
    assert "126" in said.out
    assert "132" in said.out
    facts = [fact for fact in cratehand("track", "--json", "aaaa").json["facts"] if fact["field"] == "tempo_bpm"]
    assert sorted((fact["source"], fact["believed"]) for fact in facts) == [
        ("analysis/cratehand/1", True),
        ("rekordbox/master.db", False),
    ]


@pytest.mark.usefixtures("crate")
def test_a_correction_wins_and_a_dry_run_changes_nothing(cratehand: Cratehand) -> None:
    dry = cratehand("track", "set", "aaaa", "tempo=174", "--dry-run", "--json").json
    assert dry["dry_run"] is True
    assert {change["what"] for change in dry["changes"]} == {"set tempo_bpm", "set beat_grid"}
    assert cratehand("track", "aaaa", "--json").json["tempo_bpm"] == 126.0
    said = cratehand("track", "set", "aaaa", "tempo=174", "title=Depot (Edit)")
    assert said.code == 0
    assert 'set title: "Depot" → "Depot (Edit)"' in said.out
    assert (shown := cratehand("track", "aaaa", "--json").json)["tempo_bpm"] == 174.0
    assert shown["title"] == "Depot (Edit)"
    (entry,) = cratehand("history", "--json").json
    assert (entry["what"], entry["undone"], entry["track_id"]) == ("correction", False, shown["id"])
    assert {"what": "set title", "before": '"Depot"', "after": '"Depot (Edit)"'}.items() <= {
        name: text for change in entry["changes"] if change["what"] == "set title" for name, text in change.items()
    }.items()


@pytest.mark.usefixtures("crate")
@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("track", "zzzz"), "no track with the id or path"),
        (("track", "set", "aaaa", "titel=x"), "did you mean"),
        (("track", "set", "aaaa", "tempo=9999"), "not between"),
        (("similar", "zzzz"), "no track"),
        (("export", "m3u8", "/nowhere/x.m3u8"), "make the folder first"),
        (("export", "m3u8", "/tmp"), "is a folder"),
        (("export", "m3u8", "/tmp/cratehand-x.m3u8", "--playlist", "Pek"), "no playlist is called 'Pek'"),
        (("similar", "aaaa", "--space", "yamnet"), "there is no space 'yamnet'"),
        (("similar", "aaaa", "--space", "musicnn"), "has not been analysed yet in musicnn"),
        (("models", "fetch", "clap"), "models/export/clap.py"),
        (("similar", "aaaa", "--space", "dna"), "has not been analysed yet in dna"),
        (("import", "rekordbox", "/nowhere.xml"), "does not exist"),
        (("import", "playlist", "/nowhere.m3u8"), "does not exist"),
        (("restore", "/nowhere.db"), "there is no file"),
    ],
)
def test_what_can_not_be_done_is_code_1_with_one_line(words: tuple[str, ...], hint: str, cratehand: Cratehand) -> None:
    said = cratehand(*words)
    assert (said.code, said.out) == (1, "")
    assert hint in said.err
    assert len(said.err.splitlines()) == 1


@pytest.mark.usefixtures("crate")
def test_search_and_similar_give_scores_and_reasons(cratehand: Cratehand) -> None:
    found = cratehand("search", "tram", "--json").json
    assert {track["title"] for track in found} == {"Depot", "Last Stop"}
    assert all(0 <= track["score"] <= 1 and track["reasons"] for track in found)
    near = cratehand("similar", "aaaa", "--json").json
    assert IDS[0] not in {track["id"] for track in near}
    assert len(near) == 2
    assert len(cratehand("similar", "aaaa", "--limit", "1", "--json").json) == 1
    assert "why" in cratehand("similar", "aaaa").out
    assert {track["ranking"] for track in near} == {"dsp"}
    assert len(cratehand("similar", "aaaa", "--mixes-with", "track", "--tempo", "66", "--octave", "--json").json) == 0
    assert len(cratehand("similar", "aaaa", "--not-played-since", "2026-01-31", "--space", "dsp", "--json").json) == 2


@pytest.mark.usefixtures("crate")
def test_an_export_says_what_to_do_in_rekordbox_and_what_it_will_not_update(
    cratehand: Cratehand, tmp_path: Path
) -> None:
    target = tmp_path / "out.xml"
    assert "Would write 3 tracks" in cratehand("export", "rekordbox", str(target), "--dry-run").err
    assert not target.exists()
    said = cratehand("export", "rekordbox", str(target), "--json")
    assert said.code == 0
    assert said.json == {
        "path": str(target), "tracks": 3, "playlists": 1, "known_to_rekordbox": 1, "without_file": 0, "dry_run": False,
    }  # fmt: skip
    assert "Preferences > Advanced > Database > rekordbox xml" in said.err
    assert "does not update tracks it already has: 1 of these" in said.err
    assert target.read_bytes().startswith(b"<?xml")


def test_a_playlist_goes_out_and_comes_in_again_with_a_word_on_what_is_missing(
    cratehand: Cratehand, crate: list[Path], tmp_path: Path
) -> None:
    target = tmp_path / "Peak time.m3u8"
    assert cratehand("export", "m3u8", str(target), "--playlist", "Peak").code == 0
    lines = [line for line in target.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert lines == [str(crate[2]), str(crate[0])]
    wishes = tmp_path / "wishes.txt"
    wishes.write_text("Night Tram - Depot\nSomebody Else - Never Heard\n", encoding="utf-8")
    (report,) = cratehand("import", "playlist", str(wishes), "--json").json
    assert report["matched"] == [IDS[0]]
    assert [missing["title"] for missing in report["missing"]] == ["Never Heard"]
    said = cratehand("import", "playlist", str(wishes), "--dry-run")
    assert "Never Heard" in said.out
    assert "1 of 2 tracks would be taken over" in said.err
    assert [track["id"] for track in cratehand("tracks", "--playlist", "wishes", "--json").json] == [IDS[0]]


@pytest.mark.usefixtures("crate")
def test_a_playlist_is_renamed_and_deleted_and_both_stand_in_the_history(cratehand: Cratehand) -> None:
    planned = cratehand("playlists", "rename", "Peak", "Peak Time", "--json", "--dry-run").json
    assert (planned["id"], planned["dry_run"], planned["changes"][0]["after"]) == (None, True, "Peak Time")
    renamed = cratehand("playlists", "rename", "Peak", "Peak Time", "--json").json
    assert renamed["changes"] == planned["changes"]
    (listed,) = cratehand("playlists", "list", "--json").json
    assert (listed["name"], listed["kind"], listed["tracks"], listed["origin"]) == (
        "Peak Time", "playlist", 2, "cratehand",
    )  # fmt: skip
    said = cratehand("playlists", "delete", "Peak Time")
    assert (said.code, said.out) == (0, "remove playlist Peak Time: 2 tracks → –\n")
    assert "takes it back" in said.err
    assert cratehand("playlists", "list", "--json").json == []
    rows = cratehand("history", "--json").json
    assert [(row["what"], row["why"]) for row in rows] == [
        ("playlist", "delete playlist Peak Time"), ("playlist", "rename Peak to Peak Time"),
    ]  # fmt: skip
    gone = cratehand("playlists", "delete", "Peak Time")
    assert (gone.code, "there is no playlist 'Peak Time'" in gone.err) == (1, True)


@pytest.mark.usefixtures("crate")
def test_a_collection_comes_in_from_xml(cratehand: Cratehand, tmp_path: Path) -> None:
    target = tmp_path / "out.xml"
    cratehand("export", "rekordbox", str(target))
    elsewhere = str(tmp_path / "elsewhere")
    planned = cratehand("import", "rekordbox", str(target), "--dry-run", "--json", "--data-dir", elsewhere).json
    assert (planned["added"], planned["known"]) == (3, 0)
    assert cratehand("tracks", "--json", "--data-dir", elsewhere).json == []
    assert cratehand("import", "rekordbox", str(target), "--data-dir", elsewhere).code == 0
    tracks = cratehand("tracks", "--json", "--data-dir", elsewhere).json
    assert [track["title"] for track in tracks] == ["Depot", "Last Stop", "Second Balcony"]


@pytest.mark.usefixtures("crate")
def test_jobs_and_folders_are_listed_straight_from_the_catalogue(cratehand: Cratehand) -> None:
    assert cratehand("jobs", "--json").json == []
    assert "No jobs." in cratehand("jobs").err
    assert cratehand("watch", "list", "--json").json == []


def test_folders_of_the_settings_are_listed_with_where_they_come_from(
    cratehand: Cratehand, folder: DataFolder, tmp_path: Path
) -> None:
    folder.make()
    (folder.path / "cratehand.toml").write_text(f"[watch]\nfolders = [{json.dumps(str(tmp_path / 'gone'))}]\n")
    (row,) = cratehand("watch", "list", "--json").json
    assert row == {"path": str(tmp_path / "gone"), "polling": False, "configured": True, "present": False}
    assert "not there" in cratehand("watch", "list").out


@pytest.mark.usefixtures("crate")
def test_a_backup_brings_corrections_back(cratehand: Cratehand, folder: DataFolder, tmp_path: Path) -> None:
    assert cratehand("track", "set", "aaaa", "title=Mine").code == 0
    saved = tmp_path / "saved.db"
    assert cratehand("backup", str(saved), "--dry-run").code == 0
    assert not saved.exists()
    assert cratehand("backup", str(saved), "--json").json["path"] == str(saved)
    cratehand("track", "set", "aaaa", "title=Lost")
    with folder.locked():
        refused = cratehand("restore", str(saved))
        assert refused.code == 1
        assert "in use by another cratehand" in refused.err
    assert cratehand("restore", str(saved), "--dry-run").code == 0
    assert cratehand("track", "aaaa", "--json").json["title"] == "Lost"
    restored = cratehand("restore", str(saved), "--json").json
    assert Path(restored["replaced"]).is_file()
    assert cratehand("track", "aaaa", "--json").json["title"] == "Mine"


def test_a_file_that_is_no_backup_is_not_put_in_the_place_of_the_catalogue(
    cratehand: Cratehand, crate: list[Path]
) -> None:
    crate[0].write_bytes(b"no database " * 100)
    said = cratehand("restore", str(crate[0]))
    assert said.code == 1
    assert len(cratehand("tracks", "--json").json) == 3


def test_the_orders_of_the_command_line_are_those_of_the_catalogue() -> None:
    assert set(get_args(Order)) == {order.value for order in SortOrder}
