"""Changes of the catalog on a real disk: crashes, torn files, and files of other processes."""

import asyncio
from pathlib import Path

import pytest

from services.tracking.store.catalog_changes import MAGIC, ChangesFiles
from services.tracking.store.catalog_memory import Catalog
from services.tracking.store.saved_catalog import SavedCatalog
from shared.code_texts import code_text
from shared.ids import new_id
from tests.integration.tracking.world import Brand, until

RECORDS = [b"first", b"second" * 1_000, b"", b"last"]


def written(folder: Path) -> ChangesFiles:
    """Return the files of a process that has saved the records in two calls."""
    files = ChangesFiles(folder)
    files.append(RECORDS[:2])
    files.append(RECORDS[2:])
    return files


def suffixes(folder: Path) -> set[str]:
    return {path.suffix[1:] for path in folder.iterdir()}


def the_file(folder: Path) -> Path:
    (path,) = folder.glob("*.changes")
    return path


def test_what_was_saved_is_there_after_a_crash(tmp_path: Path) -> None:
    written(tmp_path)
    assert ChangesFiles(tmp_path).load() == RECORDS


def test_a_tail_torn_at_any_byte_is_left_out_and_the_rest_counts(tmp_path: Path) -> None:
    written(tmp_path).close()
    path = the_file(tmp_path)
    whole = path.read_bytes()
    last = len(whole) - len(RECORDS[-1])
    for size in (*range(len(MAGIC) + 1), *range(last - 12, len(whole))):
        path.write_bytes(whole[:size])
        assert ChangesFiles(tmp_path).load() == (RECORDS[:3] if size >= last - 12 else [])


@pytest.mark.parametrize("place", [len(MAGIC) + 3, len(MAGIC) + 6, len(MAGIC) + 13])
def test_a_damaged_frame_ends_its_file_and_no_other(tmp_path: Path, place: int) -> None:
    written(tmp_path).close()
    path = the_file(tmp_path)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    other = ChangesFiles(tmp_path)
    other.append([b"of another file"])
    other.close()
    assert ChangesFiles(tmp_path).load() == [b"of another file"]


def test_a_file_of_another_version_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "old.changes").write_bytes(b"laurel-changes-0\n" + b"x" * 40)
    assert ChangesFiles(tmp_path).load() == []


def test_only_files_that_a_snapshot_holds_are_removed(tmp_path: Path) -> None:
    files = written(tmp_path)
    held = files.retire()
    files.append([b"after the snapshot was taken"])
    files.remove(held)
    assert ChangesFiles(tmp_path).load() == [b"after the snapshot was taken"]


def test_a_file_of_a_running_process_is_read_and_not_removed(tmp_path: Path) -> None:
    sibling = written(tmp_path)
    files = ChangesFiles(tmp_path)
    assert files.load() == RECORDS
    files.remove(files.retire())
    sibling.append([b"one more"])
    assert ChangesFiles(tmp_path).load() == [*RECORDS, b"one more"]


def test_a_file_of_a_dead_process_is_removed_after_the_next_snapshot(tmp_path: Path) -> None:
    written(tmp_path).close()
    files = ChangesFiles(tmp_path)
    files.load()
    files.remove(files.retire())
    assert list(tmp_path.glob("*.changes")) == []


def test_records_after_a_failed_write_are_still_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = ChangesFiles(tmp_path)
    files.append([b"before"])

    def refuse(_: int) -> None:
        raise OSError(28, "no space left on device")

    with monkeypatch.context() as full:
        full.setattr("os.fsync", refuse)
        with pytest.raises(OSError, match="no space"):
            files.append([b"lost"])
    files.append([b"after"])
    assert ChangesFiles(tmp_path).load()[-1] == b"after"


async def test_a_catalog_comes_back_with_its_changes_and_without_them_once_they_are_in_the_snapshot(
    tmp_path: Path,
) -> None:
    brand, path = Brand(), tmp_path / "catalog.snapshot"
    catalog = Catalog(brand.sealer)
    saved = SavedCatalog(catalog, path, brand.clock)
    for record in brand.records():
        catalog.put(record)
    saving = asyncio.ensure_future(saved.run({0: 1}))
    await until(path.exists)
    size = path.stat().st_size
    catalog.put(brand.link("Later", id=new_id()))
    await until(lambda: "changes" in suffixes(tmp_path))
    saving.cancel()
    await asyncio.wait([saving])
    assert path.stat().st_size == size, "the snapshot was not written again for one link"
    saved.close()

    again = Catalog(brand.sealer)
    next_saved = SavedCatalog(again, path, brand.clock)
    assert await next_saved.load() == {0: 1}
    assert again.links.find(b"later") is not None
    assert again.is_code(brand.workspace_id, code_text("MIA10"))
    await next_saved.save_image({0: 2})
    next_saved.close()
    assert suffixes(tmp_path) == {"snapshot"}
    third = Catalog(brand.sealer)
    assert await SavedCatalog(third, path, brand.clock).load() == {0: 2}
    assert third.links.find(b"later") is not None
