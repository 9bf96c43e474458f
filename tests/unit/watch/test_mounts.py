from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from cratehand.watch.mounts import Mount, MountTable, drive_levels


@pytest.mark.parametrize(
    ("path", "levels"),
    [
        ("/Volumes/USB/a.mp3", ["/Volumes/USB"]),
        ("/mnt/usb/Music/a.mp3", ["/mnt/usb"]),
        ("/media/dj/STICK/a.mp3", ["/media/dj", "/media/dj/STICK"]),
        ("/run/media/dj/STICK/a.mp3", ["/run/media/dj/STICK"]),
        ("/run/user/1000/gvfs/smb-share/a.mp3", ["/run/user/1000/gvfs/smb-share"]),
        ("/mnt/a.mp3", []),
        ("/home/dj/a.mp3", []),
        ("relative.mp3", []),
    ],
)
def test_levels_at_which_drives_appear(path: str, levels: list[str]) -> None:
    assert [str(level) for level in drive_levels(PurePosixPath(path))] == levels


def test_the_drive_of_a_windows_path_is_its_letter_or_share() -> None:
    assert drive_levels(PureWindowsPath(r"E:\Music\a.mp3")) == [PureWindowsPath("E:\\")]
    assert drive_levels(PureWindowsPath(r"\\nas\music\a.mp3")) == [PureWindowsPath("\\\\nas\\music\\")]


def test_the_innermost_mount_counts() -> None:
    table = MountTable([Mount(place="/", file_system="ext4"), Mount(place="/nas", file_system="nfs4"),
                        Mount(place="/nas/usb", file_system="vfat")])  # fmt: skip
    assert table.is_network("/nas/a.mp3")
    assert not table.is_network("/nasty/a.mp3")
    assert not table.is_network("/nas/usb/a.mp3")
    assert table.has_stable_inodes("/home/a.mp3")
    assert not table.has_stable_inodes("/nas/usb/a.mp3")


def test_a_drive_that_was_never_plugged_in_is_absent() -> None:
    missing = Path("/Volumes/no such drive/a.mp3")
    assert MountTable([]).absent_drive(missing) == Path("/Volumes/no such drive")
    assert MountTable([]).absent_drive(Path("/no such folder/a.mp3")) is None


def test_a_place_of_fstab_without_its_mount_is_absent(tmp_path: Path) -> None:
    fstab = tmp_path / "fstab"
    place = tmp_path / "my drive"
    fstab.write_text(
        f"# comment\nUUID=1 / ext4 defaults 0 1\n/dev/sdb1 {str(place).replace(' ', chr(92) + '040')} auto\n\n"
    )
    table = MountTable.read(fstab)
    assert table.absent_drive(place / "a.mp3") == place
    assert table.absent_drive(tmp_path / "other" / "a.mp3") is None


def test_the_system_tells_its_mounts() -> None:
    assert MountTable.read().mount_of(str(Path.cwd())) is not None
