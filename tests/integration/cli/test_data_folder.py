"""The data folder: secrets that only their owner can read, and one Laurel at a time."""

import stat
from pathlib import Path

import pytest

from services.cli.data_folder import DataFolder, own_key
from shared.errors import ConfigurationError
from shared.ids import is_api_key
from shared.settings import Settings


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_secret_key_is_made_once_and_private(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    settings = Settings.load({})
    assert folder.secret_key(settings, create=False) is None
    made = folder.secret_key(settings, create=True)
    assert made is not None
    assert len(made) >= 32
    assert DataFolder(tmp_path / "data").secret_key(settings, create=True) == made
    assert mode(folder.path) == 0o700
    assert mode(folder.path / "secret.key") == 0o600


def test_the_secret_key_of_the_settings_is_used(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    settings = Settings.load({"LAUREL_SECRET_KEY": "s" * 32})
    assert folder.secret_key(settings, create=True) == "s" * 32
    assert not (tmp_path / "secret.key").exists()


def test_the_admin_key_is_kept_private(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert folder.admin_key() is None
    path = folder.keep_admin_key("lrl_sec_x")
    assert mode(path) == 0o600
    assert folder.admin_key() == "lrl_sec_x"


def test_a_held_folder_refuses_a_second_laurel_and_says_what_to_do(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.prepare()
    with (
        folder.held(),
        pytest.raises(ConfigurationError, match=r"already running.*LAUREL_DATA_DIR"),
        DataFolder(tmp_path).held(),
    ):
        pass
    with folder.held():
        assert (tmp_path / "run.lock").read_text().isdecimal()


def test_a_folder_that_cannot_be_made_says_which_setting_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigurationError, match="LAUREL_DATA_DIR"):
        DataFolder(tmp_path / "file" / "data").prepare()


def test_the_command_lines_own_key_is_a_key_and_follows_the_secret() -> None:
    assert is_api_key(own_key("a" * 32))
    assert own_key("a" * 32) == own_key("a" * 32)
    assert own_key("a" * 32) != own_key("b" * 32)
    first, second = own_key("a" * 32, "one"), own_key("a" * 32, "two")
    assert is_api_key(first)
    assert len({first, second, own_key("a" * 32)}) == 3, "every workspace has its own"
