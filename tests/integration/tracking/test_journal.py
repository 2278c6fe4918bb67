"""The journal on a real disk: groups, budgets, slots, rotation; and the snapshot of the catalog."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tracking.store.catalog_memory import Catalog
from services.tracking.store.catalog_snapshot import load_snapshot, take_image, write_image
from services.tracking.store.journal import FRAMES_WAITING_MAX, ROTATE_BYTES, WAITERS_MAX, Journal
from services.tracking.store.journal_file import PAGE_BYTES, JournalFile, pack_frames, unpack_frames
from services.tracking.store.journal_slots import adopt_slots, take_slot
from shared.catalog import Link
from shared.clock import SystemClock
from shared.errors import Transient
from shared.sealing import Sealer
from shared.telemetry import Telemetry
from tests.integration.tracking.world import SECRET_KEY, Brand, until


def journal(folder: Path, bytes_max: int = 10**9) -> Journal:
    return Journal(folder, SystemClock(), Telemetry("tracking"), bytes_max=bytes_max)


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_frames_come_back(frames: list[bytes]) -> None:
    assert unpack_frames(pack_frames(frames)) == tuple(frames)


def test_groups_are_read_in_order_up_to_the_limit(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "a.journal")
    file.open_writer()
    for number in range(5):
        file.write([b"x" * 100, str(number).encode()])
    some = file.read(after=0, bytes_max=150)
    rest = file.read(after=some[-1].row, bytes_max=10**6)
    assert [group.row for group in (*some, *rest)] == [1, 2, 3, 4, 5]
    assert len(some) == 2
    assert file.is_spent() is False
    file.note_relayed([*some, *rest])
    file.forget_through(5)
    assert file.read(after=file.relayed_through, bytes_max=10) == []
    assert file.is_spent() is True
    file.remove()
    assert list(tmp_path.iterdir()) == []


def test_the_disk_is_asked_for_full_durability(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "a.journal")
    file.open_writer()
    writer = file._writer
    assert writer is not None
    assert writer.execute("PRAGMA synchronous").fetchone() == (2,)
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    file.close()


def test_closing_never_checkpoints(tmp_path: Path) -> None:
    """A checkpoint would fsync a file whose fsync can have failed, so the WAL stays unchanged."""
    file = JournalFile(tmp_path / "a.journal")
    file.open_writer()
    file.write([b"kept"])
    wal = (tmp_path / "a.journal-wal").read_bytes()
    file.close()
    assert (tmp_path / "a.journal-wal").read_bytes() == wal
    adopted = JournalFile(tmp_path / "a.journal")
    groups = adopted.read(after=0, bytes_max=100)
    assert [group.frames for group in groups] == [(b"kept",)]
    adopted.note_relayed(groups)
    assert adopted.is_spent()
    adopted.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("noise", [b"\xff", b"\x00", b"\x01", b"\x7f"])
@pytest.mark.parametrize("block", range(PAGE_BYTES // 4096))
def test_a_damaged_block_costs_the_rows_of_its_page_only(
    tmp_path: Path, block: int, noise: bytes
) -> None:
    """A damaged page can give any row numbers. None of them makes the reader skip sound rows."""
    path = tmp_path / "a.journal"
    file = JournalFile(path)
    file.open_writer()
    for number in range(200):
        file.write([b"%04d" % number * 100])
    file.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // PAGE_BYTES * PAGE_BYTES + block * 4096
    data[middle : middle + 4096] = noise * 4096
    path.write_bytes(data)
    damaged = JournalFile(path)
    rows: list[int] = []
    lost = 0
    while groups := damaged.read(after=rows[-1] if rows else 0, bytes_max=10**9):
        rows += [group.row for group in groups]
        lost += sum(group.is_damaged for group in groups)
    assert rows == list(range(1, 201))
    assert 0 < lost < 40
    damaged.close()


async def test_offers_share_a_group_and_puts_wait_for_theirs(tmp_path: Path) -> None:
    subject = journal(tmp_path)
    await subject.open()
    assert all(subject.offer(b"%d" % number) for number in range(100))
    assert subject.current is not None
    await until(lambda: subject.records_waiting == 100)
    groups = subject.current.read(after=0, bytes_max=10**6)
    assert len(groups) == 1
    await asyncio.gather(*(subject.put([b"p", b"q"]) for _ in range(50)))
    groups = subject.current.read(after=groups[-1].row, bytes_max=10**6)
    assert sum(len(group.frames) for group in groups) == 100
    assert len(groups) <= 3
    await subject.close()


async def test_waiting_requests_are_limited(tmp_path: Path) -> None:
    subject = journal(tmp_path)
    await subject.open()
    results = await asyncio.gather(
        *(subject.put([b"x"]) for _ in range(WAITERS_MAX * 3)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, Transient)]
    assert refused
    assert len(refused) + results.count(None) == WAITERS_MAX * 3
    assert subject.records_waiting == results.count(None)
    await subject.close()


async def test_offers_are_limited_in_memory(tmp_path: Path) -> None:
    subject = journal(tmp_path)
    await subject.open()
    taken = sum(subject.offer(b"x") for _ in range(FRAMES_WAITING_MAX + 10))
    assert taken == FRAMES_WAITING_MAX
    await subject.close()


async def test_a_locked_file_ends_and_a_new_one_replaces_it(tmp_path: Path) -> None:
    subject = journal(tmp_path)
    await subject.open()
    await subject.put([b"kept"])
    old = subject.current
    assert old is not None
    intruder = sqlite3.connect(old.path, isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Transient):
        await subject.put([b"refused"])
    intruder.execute("ROLLBACK")
    intruder.close()
    assert subject.offer(b"unrecorded") is False
    assert subject.backlog == [old]
    reopening = asyncio.ensure_future(subject.reopen())
    await until(lambda: not subject.trouble)
    reopening.cancel()
    assert subject.current is not old
    assert [group.frames for group in old.read(after=0, bytes_max=10**6)] == [(b"kept",)]
    await subject.close()


async def test_a_large_empty_file_is_left_behind(tmp_path: Path) -> None:
    subject = journal(tmp_path)
    await subject.open()
    await subject.put([b"x" * (ROTATE_BYTES + 1)])
    old = subject.current
    assert old is not None
    groups = old.read(after=0, bytes_max=1)
    await subject.rotate()
    assert subject.current is old
    subject.relayed(old, groups, {})
    await until(lambda: old.disk_bytes() >= ROTATE_BYTES or _checkpointed(old))
    await subject.rotate()
    assert subject.current is not old
    subject.retire(old)
    assert not old.path.exists()
    await subject.put([b"y"])
    await subject.close()


def _checkpointed(file: JournalFile) -> bool:
    with sqlite3.connect(file.path) as connection:
        connection.execute("PRAGMA wal_checkpoint")
    connection.close()
    return False


async def test_an_orphan_is_adopted_also_while_running(tmp_path: Path) -> None:
    subject = journal(tmp_path)
    await subject.open()
    sibling = journal(tmp_path)
    await sibling.open()
    await sibling.put([b"left"])
    await subject.adopt_orphans()
    assert subject.backlog == []
    await sibling.close()
    await subject.adopt_orphans()
    assert len(subject.backlog) == 1
    (group,) = subject.backlog[0].read(after=0, bytes_max=100)
    assert group.frames == (b"left",)
    await subject.close()


def test_a_slot_has_one_holder(tmp_path: Path) -> None:
    slot = take_slot(tmp_path)
    assert adopt_slots(tmp_path) == []
    slot.release()
    (adopted,) = adopt_slots(tmp_path)
    assert adopted.folder == slot.folder
    assert adopt_slots(tmp_path) == []
    adopted.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_snapshot_comes_back_whole(tmp_path: Path) -> None:
    brand, path = Brand(), tmp_path / "folder" / "catalog.snapshot"
    catalog = Catalog(Sealer(SECRET_KEY))
    for record in brand.records():
        catalog.put(record)
    write_image(take_image(catalog, {0: 17}), path)
    again = Catalog(Sealer(SECRET_KEY))
    assert load_snapshot(again, path) == {0: 17}
    assert again.links.find(b"mia") == catalog.links.find(b"mia") is not None
    assert (
        again.connection(brand.connection_id) == catalog.connection(brand.connection_id) is not None
    )
    assert again.currency(brand.workspace_id) == "EUR"
    others = [record for record in brand.records() if not isinstance(record, Link)]
    assert len(again.records()) == len(catalog.records()) == len(others)
    assert b"hush" not in path.read_bytes()
    assert [p.name for p in path.parent.iterdir()] == ["catalog.snapshot"]


@pytest.mark.parametrize("damage", ["truncated", "empty", "foreign", "absent"])
def test_a_snapshot_that_is_not_sound_is_not_used(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "catalog.snapshot"
    catalog = Catalog(Sealer(SECRET_KEY))
    write_image(take_image(catalog, {}), path)
    data = path.read_bytes()
    match damage:
        case "truncated":
            path.write_bytes(data[:-1])
        case "empty":
            path.write_bytes(b"")
        case "foreign":
            path.write_bytes(b"something else entirely, long enough")
        case _:
            path.unlink()
    assert load_snapshot(catalog, path) is None


def test_old_revisions_and_deleted_keys_do_not_count() -> None:
    brand = Brand()
    catalog = Catalog(Sealer(SECRET_KEY))
    key = brand.key(brand.secret_key, "admin")
    digest = bytes.fromhex(key.sha256)
    gone = type(key)(
        id=key.id,
        sha256=key.sha256,
        scopes=key.scopes,
        deleted_at=brand.clock.now(),
        **brand.common(2),
    )
    catalog.put(key)
    found = catalog.principal(digest)
    assert found is not None
    assert found.may("track")
    assert found.may("collect")
    catalog.put(gone)
    catalog.put(key)
    assert catalog.principal(digest) is None


def test_secrets_of_another_key_verify_nothing() -> None:
    brand = Brand()
    catalog = Catalog(Sealer("another secret key"))
    for record in brand.records():
        catalog.put(record)
    shop = catalog.connection(brand.connection_id)
    assert shop is not None
    assert shop.account.secrets == ()
