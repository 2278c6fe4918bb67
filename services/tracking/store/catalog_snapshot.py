"""The snapshot of the catalog on local disk, so that tracking can start without the log.

Promise: a snapshot is complete or absent: it is written to another name, fsynced, then renamed. It
begins with its version and ends with a checksum of all of it. Secrets in it stay sealed.
What can go wrong: a damaged file or another version is logged and not used. The log has all
records.
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

MAGIC: Final = b"laurel-catalog-4\n"
DIGEST_BYTES: Final = 16
# The writer thread pauses for requests after this many rows: about a millisecond of work.
ROWS_A_RUN: Final = 500
PAUSE_SECONDS: Final = 0.002
PIECE_BYTES: Final = 1024 * 1024

_LENGTH: Final = struct.Struct(">I")

_log = get_logger(__name__)


class _Head(msgspec.Struct):
    """The first frame.

    `positions` are the offsets to read next, by partition; `workspaces` are ids in the order of
    their numbers in link rows; `records` is the number of records before the links.
    """

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
    """Return the catalog as it is now. `positions` are the offsets after its records."""
    records = [encode_catalog(record) for record in catalog.records()]
    head = _Head(dict(positions), list(catalog.links.workspaces), len(records))
    return Image(msgspec.json.encode(head), records, catalog.links.rows())


def write_image(image: Image, path: Path) -> None:
    """Write a snapshot. After `OSError` the old one is still there."""
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
    """Fill an empty catalog and return the offsets to read next; None without a sound snapshot."""
    try:
        with path.open("rb") as file:
            return _load(catalog, file)
    except FileNotFoundError:
        return None
    except OSError as error:
        _log.error("snapshot_unreadable", reason=str(error))
        return None


def _load(catalog: Catalog, file: BinaryIO) -> dict[int, int] | None:
    """Read the file twice, for its checksum and for its rows, so that it is never all in memory."""
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
