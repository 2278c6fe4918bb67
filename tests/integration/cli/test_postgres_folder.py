"""The place of the embedded Postgres, and that a new data folder gets no old database."""

import os
from pathlib import Path

import pytest

from services.cli import postgres_folder
from services.cli.postgres_folder import SOCKET_NAME, SOCKET_PATH_LENGTH_MAX

as_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="root keeps Postgres in a folder of the system"
)


def test_the_programs_are_there_and_the_socket_path_fits(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*("a folder with a long name",) * 8)
    found = postgres_folder.find(deep)
    assert (found.programs / "postgres").exists()
    assert len(os.fsencode(found.sockets / SOCKET_NAME)) <= SOCKET_PATH_LENGTH_MAX
    assert postgres_folder.find(tmp_path).folder != found.folder


@as_root
def test_a_data_folder_made_anew_does_not_get_the_old_database(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    found = postgres_folder.find(data)
    try:
        postgres_folder.prepare(found, data)
        (found.folder / "kept").touch()
        postgres_folder.prepare(found, data)
        assert (found.folder / "kept").exists(), "the same data folder finds its database again"
        for file in data.iterdir():
            file.unlink()
        postgres_folder.prepare(found, data)
        assert not (found.folder / "kept").exists()
        aside = found.folder.with_name(found.folder.name + ".old")
        assert (aside / "kept").exists(), "the old database is set aside, not deleted"
    finally:
        postgres_folder.remove(data)
    assert not found.folder.exists()


@as_root
def test_no_parent_folder_changes_its_permissions(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    before = {folder: folder.stat().st_mode for folder in (data, *data.parents)}
    try:
        postgres_folder.prepare(postgres_folder.find(data), data)
        assert {folder: folder.stat().st_mode for folder in before} == before
    finally:
        postgres_folder.remove(data)
