"""Golden samples: a file for each kind and version of a message decodes and encodes unchanged.

A new kind or version without its sample fails here; a changed field shows as a changed sample in
review. A version that is read but no longer written decodes to the sample of the version after it.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
import pytest

from shared import catalog, credits, events

GOLDEN: Final = Path(__file__).resolve().parents[1] / "golden"
Codec = tuple[Callable[[bytes], Any], Callable[[Any], bytes]]
FAMILIES: Final[dict[str, tuple[Any, int, Codec]]] = {
    "events": (events.AnyEvent, events.VERSION, (events.decode_event, events.encode_event)),
    "credits": (
        credits.AnyCredits,
        credits.VERSION,
        (credits.decode_credits, credits.encode_credits),
    ),
    "catalog": (
        catalog.AnyCatalogRecord,
        catalog.VERSION,
        (catalog.decode_catalog, catalog.encode_catalog),
    ),
}


# The samples of old versions, and the sample that each decodes to.
READ_AS: Final = {("catalog", "placement.v1.json"): "placement.v2.json"}
# The samples of old versions that keep their version: their records are stored and published again.
KEPT: Final = (("credits", "decision.v1.json"), ("credits", "touches.v1.json"))


def expected() -> list[tuple[str, str, type[msgspec.Struct]]]:
    return [
        (family, f"{tag}.v{catalog.VERSIONS.get(tag, version)}.json", kind)
        for family, (union, version, _) in FAMILIES.items()
        for kind in get_args(union)
        for tag in (str(kind.__struct_config__.tag),)
    ]


@pytest.mark.parametrize(("family", "name", "kind"), expected())
def test_the_sample_survives_a_round_trip(
    family: str, name: str, kind: type[msgspec.Struct]
) -> None:
    text = (GOLDEN / family / name).read_bytes()
    decode, encode = FAMILIES[family][2]
    message = decode(text)
    assert type(message) is kind
    assert json.loads(encode(message)) == json.loads(text)


@pytest.mark.parametrize(("family", "name"), READ_AS)
def test_the_sample_of_an_old_version_is_read_as_the_new_one(family: str, name: str) -> None:
    decode = FAMILIES[family][2][0]
    old, new = ((GOLDEN / family / file).read_bytes() for file in (name, READ_AS[family, name]))
    assert decode(old) == decode(new)


@pytest.mark.parametrize(("family", "name"), KEPT)
def test_the_sample_of_an_old_version_keeps_its_content(family: str, name: str) -> None:
    text = (GOLDEN / family / name).read_bytes()
    decode, encode = FAMILIES[family][2]
    assert json.loads(encode(decode(text))) == json.loads(text) | {"v": 1}


def test_no_sample_without_its_kind() -> None:
    known = {(family, name) for family, name, _ in expected()} | set(READ_AS) | set(KEPT)
    present = {(path.parent.name, path.name) for path in GOLDEN.glob("*/*.json")}
    assert present == known


@pytest.mark.parametrize(("family", "name", "kind"), expected())
def test_the_sample_shows_every_field(family: str, name: str, kind: type[msgspec.Struct]) -> None:
    """With a field at its default, the sample would not fail when the field is renamed."""
    shown = set(json.loads((GOLDEN / family / name).read_bytes()))
    config = kind.__struct_config__
    assert {field.encode_name for field in msgspec.structs.fields(kind)} - {"v"} <= shown | {
        config.tag_field
    }
