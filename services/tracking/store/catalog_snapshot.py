"""The catalog on local disk, so that tracking starts and redirects while the log is away.

Promise: a snapshot is whole or it is not there: written beside, fsynced, renamed; a checksum over all of it and a version
at its head. Secrets in it stay sealed. What can go wrong: a damaged or foreign file is logged and not used; the log has it all.
"""

import hashlib
import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import BinaryIO, Final

import msgspec

from services.tracking.store.catalog_memory import Catalog
from services.tracking.store.journal_slots import sync_folder
from shared.catalog import CatalogRejected, decode_catalog, encode_catalog
from shared.ids import new_id
from shared.telemetry import get_logger

MAGIC: Final = b"laurel-catalog-2\n"
DIGEST_BYTES: Final = 16
# The writer thread lets requests pass after each run of rows: about a millisecond of work.
ROWS_A_RUN: Final = 500
PAUSE_SECONDS: Final = 0.002
PIECE_BYTES: Final = 1024 * 1024

_LENGTH: Final = struct.Struct(">I")

_log = get_logger(__name__)


class _Head(msgspec.Struct):
    """The first frame: where to read the topic on, and the workspaces in the order of their numbers."""

    positions: dict[int, int]
    workspaces: list[str]
    records: int


@dataclass(frozen=True, slots=True)
class Image:
    """The catalog at one moment, taken on the event loop and written by a thread."""

    head: bytes
    records: list[bytes]
    links: Iterator[bytes]


def take_image(catalog: Catalog, positions: Mapping[int, int]) -> Image:
    """What stands in memory now; `positions` are those of the records it holds."""
    records = [encode_catalog(record) for record in catalog.kept()]
    head = _Head(dict(positions), list(catalog.links.workspaces), len(records))
    return Image(msgspec.json.encode(head), records, catalog.links.rows())


def write_image(image: Image, path: Path) -> None:
    """Write a snapshot; raises `OSError` when the disk refuses, and the old one stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{new_id()}")
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    pause = Event()
    try:
        with beside.open("wb") as file:
            beside.chmod(0o600)
            for count, frame in enumerate(_frames(image)):
                digest.update(frame)
                file.write(frame)
                if count % ROWS_A_RUN == 0:
                    pause.wait(PAUSE_SECONDS)
            file.write(digest.digest())
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)


def load_snapshot(catalog: Catalog, path: Path) -> dict[int, int] | None:
    """Fill an empty catalog; the positions to read on from, or None when there is no sound snapshot."""
    try:
        with path.open("rb") as file:
            return _load(catalog, file)
    except FileNotFoundError:
        return None
    except OSError as error:
        _log.error("snapshot_unreadable", reason=str(error))
        return None


def _load(catalog: Catalog, file: BinaryIO) -> dict[int, int] | None:
    """Read it twice, for its checksum and for its rows: never is all of it in memory, beside the catalog that it becomes."""
    end = file.seek(0, os.SEEK_END) - DIGEST_BYTES
    if end < 0 or not _is_sound(file, end):
        _log.error("snapshot_damaged", file=file.name)
        return None
    file.seek(0)
    if file.read(len(MAGIC)) != MAGIC:
        _log.warning("snapshot_of_another_version", file=file.name)
        return None
    return _restore(catalog, _split(file, end - len(MAGIC)))


def _is_sound(file: BinaryIO, end: int) -> bool:
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    file.seek(0)
    for start in range(0, end, PIECE_BYTES):
        digest.update(file.read(min(PIECE_BYTES, end - start)))
    return digest.digest() == file.read()


def _restore(catalog: Catalog, frames: Iterator[bytes]) -> dict[int, int]:
    head = msgspec.json.decode(next(frames), type=_Head)
    catalog.links.restore_workspaces(head.workspaces)
    for _ in range(head.records):
        try:
            catalog.put(decode_catalog(next(frames)))
        except CatalogRejected as error:
            _log.error("snapshot_record_refused", reason=str(error))
    for frame in frames:
        catalog.links.put_row(frame)
    return head.positions


def _frames(image: Image) -> Iterable[bytes]:
    yield MAGIC
    yield _framed(image.head)
    for record in image.records:
        yield _framed(record)
    for row in image.links:
        yield _framed(row)


def _framed(content: bytes) -> bytes:
    return _LENGTH.pack(len(content)) + content


def _split(file: BinaryIO, left_bytes: int) -> Iterator[bytes]:
    while left_bytes > 0:
        (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
        left_bytes -= _LENGTH.size + length
        yield file.read(length)
