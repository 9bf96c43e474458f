"""Settings: where they come from, and what is said of wrong ones."""

import os
from pathlib import Path

import pytest

from cratehand.app.settings import SECTIONS, LoadedSettings, SettingsError, load_settings
from cratehand.domain.errors import CratehandError, InvalidInputError, NotFoundError


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def written(folder: Path, text: str, name: str = "cratehand.toml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def refused(folder: Path, text: str) -> str:
    written(folder, text)
    with pytest.raises(InvalidInputError) as caught:
        load_settings(data_dir=folder)
    return str(caught.value)


def test_without_any_file_the_defaults_of_the_surface_hold(tmp_path: Path) -> None:
    loaded = load_settings(data_dir=tmp_path)
    assert loaded.file is None
    servers = loaded.settings.servers
    assert (servers.host, servers.grpc_port, servers.osc_port, servers.http_port) == ("127.0.0.1", 50551, 9200, 9280)
    assert (loaded.settings.watch.rekordbox, loaded.settings.upgrade.policy) == ("auto", "review")
    assert loaded.settings.analysis.workers >= 1
    assert set(loaded.origins.values()) == {"default"}


def test_every_key_of_the_surface_is_accepted(tmp_path: Path) -> None:
    written(
        tmp_path,
        """
        [watch]
        folders = ["~/Music", "/srv/crates"]
        ignore = ["*/Samples/*"]
        rekordbox = "/srv/master.db"
        [servers]
        host = "0.0.0.0"
        grpc_port = 0
        osc_port = 1
        http_port = 65535
        [master]
        url = "postgresql://dj:secret@nas/cratehand"
        [models]
        mirror = "https://example.org"
        provider = "auto"
        [analysis]
        workers = 3
        cluster = "tcp://10.0.0.2"
        hours = "22:00-06:30"
        on_battery = false
        [upgrade]
        policy = "automatic"
        [logs]
        level = "debug"
        """,
    )
    loaded = load_settings(data_dir=tmp_path)
    assert loaded.settings.watch.folders == (Path.home() / "Music", Path("/srv/crates"))
    assert loaded.origins["servers", "grpc_port"] == f"file {tmp_path / 'cratehand.toml'}"
    assert loaded.origins["watch", "settle_s"] == "default"


def test_command_line_beats_environment_beats_file_beats_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "[servers]\ngrpc_port = 1\nosc_port = 1\nhttp_port = 1\n")
    monkeypatch.setenv("CRATEHAND__SERVERS__GRPC_PORT", "2")
    monkeypatch.setenv("CRATEHAND__SERVERS__OSC_PORT", "2")
    loaded = load_settings(data_dir=tmp_path, overrides={"servers": {"grpc_port": 3}})
    servers = loaded.settings.servers
    assert (servers.grpc_port, servers.osc_port, servers.http_port, servers.host) == (3, 2, 1, "127.0.0.1")
    assert origins(loaded) == {
        "grpc_port": "command line",
        "osc_port": "env CRATEHAND__SERVERS__OSC_PORT",
        "http_port": f"file {tmp_path / 'cratehand.toml'}",
        "host": "default",
    }


def origins(loaded: LoadedSettings) -> dict[str, str]:
    return {key: origin for (section, key), origin in loaded.origins.items() if section == "servers"}


def test_a_named_file_stands_in_for_the_one_in_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "[logs]\nlevel = 'error'\n")
    named = written(tmp_path, "[logs]\nlevel = 'debug'\n", "other.toml")
    monkeypatch.setenv("CRATEHAND_CONFIG", str(named))
    assert load_settings(data_dir=tmp_path).settings.logs.level == "debug"
    assert load_settings(data_dir=tmp_path, config=tmp_path / "cratehand.toml").settings.logs.level == "error"


def test_a_named_file_that_is_not_there_is_an_error_and_not_ignored(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nowhere\.toml does not exist"):
        load_settings(data_dir=tmp_path, config=tmp_path / "nowhere.toml")
    with pytest.raises(NotFoundError, match="is a folder"):
        load_settings(data_dir=tmp_path, config=tmp_path)


def test_the_platform_config_folder_is_read_last(tmp_path: Path) -> None:
    (tmp_path / "config" / "cratehand").mkdir(parents=True)
    written(tmp_path / "config" / "cratehand", "[logs]\nlevel = 'warning'\n")
    if os.name == "posix" and os.uname().sysname == "Linux":
        assert load_settings(data_dir=tmp_path / "data").settings.logs.level == "warning"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[watch]\nfolder = []\n", "[watch] folder is no setting: did you mean folders?"),
        ("[server]\nhost = 'x'\n", "there is no section [server]: did you mean [servers]?"),
        ("grpc_prt = 3\n", "did you mean grpc_port in [servers]?"),
        ("[watch]\ngrpc_port = 3\n", "did you mean grpc_port in [servers]?"),
        ("[watch]\nzzz = 3\n", "[watch] has folders, ignore, rekordbox"),
        ("watch = 3\n", "watch is a section"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(tmp_path: Path, text: str, hint: str) -> None:
    message = refused(tmp_path, text)
    assert hint in message
    assert message.startswith(str(tmp_path / "cratehand.toml"))


def test_an_unknown_variable_is_refused_with_the_nearest_known_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRATEHAND__SERVERS__GRPC_PROT", "1")
    with pytest.raises(SettingsError, match=r"GRPC_PROT is no setting: did you mean CRATEHAND__SERVERS__GRPC_PORT\?"):
        load_settings(data_dir=tmp_path)


def test_every_wrong_value_gets_one_line_with_file_and_key(tmp_path: Path) -> None:
    lines = refused(
        tmp_path,
        "[servers]\ngrpc_port = 99999\n[watch]\nfolders = ['Music']\n"
        "[analysis]\nhours = 'night'\n[upgrade]\npolicy='x'\n",
    ).splitlines()
    assert len(lines) == 4
    assert all(line.startswith(str(tmp_path / "cratehand.toml")) for line in lines)
    assert any("[servers] grpc_port" in line and "99999" in line for line in lines)
    assert any("'Music' is not absolute" in line for line in lines)
    assert any("write it like 22:00-06:30" in line for line in lines)


def test_a_wrong_value_of_the_environment_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRATEHAND__ANALYSIS__WORKERS", "many")
    with pytest.raises(SettingsError, match=r"^environment: CRATEHAND__ANALYSIS__WORKERS: .*'many'$"):
        load_settings(data_dir=tmp_path)


@pytest.mark.parametrize("text", ["[watch\n", "[watch]\nfolders = [\n", "\x00"])
def test_a_file_that_is_no_toml_is_one_clear_line(tmp_path: Path, text: str) -> None:
    message = refused(tmp_path, text)
    assert "is no TOML" in message
    assert "\n" not in message


def test_a_file_of_random_bytes_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "cratehand.toml").write_bytes(bytes(range(256)))
    with pytest.raises(CratehandError, match="is no TOML"):
        load_settings(data_dir=tmp_path)


def test_lists_of_the_environment_are_json_or_parts_between_separators(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRATEHAND__WATCH__FOLDERS", os.pathsep.join(["/a", "/b c"]))
    monkeypatch.setenv("CRATEHAND__WATCH__IGNORE", '["x:y", "z"]')
    watch = load_settings(data_dir=tmp_path).settings.watch
    assert watch.folders == (Path("/a"), Path("/b c"))
    assert watch.ignore == ("x:y", "z")


def test_a_whole_section_may_be_json_and_its_keys_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRATEHAND__SERVERS", '{"grpc_port": 4}')
    assert load_settings(data_dir=tmp_path).settings.servers.grpc_port == 4
    monkeypatch.setenv("CRATEHAND__SERVERS", '{"grpc_prot": 4}')
    with pytest.raises(SettingsError, match="GRPC_PORT"):
        load_settings(data_dir=tmp_path)
    monkeypatch.setenv("CRATEHAND__SERVERS", "no json")
    with pytest.raises(SettingsError):
        load_settings(data_dir=tmp_path)


def test_what_is_shown_masks_the_password_of_the_master(tmp_path: Path) -> None:
    written(tmp_path, "[master]\nurl = 'postgresql://dj:hunter2@nas/x'\n")
    loaded = load_settings(data_dir=tmp_path)
    assert "hunter2" not in str(loaded.plain())
    assert "hunter2" not in repr(loaded)
    assert set(loaded.plain()) == set(SECTIONS)
