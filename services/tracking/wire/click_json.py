"""The JSON of a `clicked` event, made from a template at a fifth of the cost of struct and encoder.

Promise: `click` gives the bytes of the `clicked` event of `shared.events`. A test compares the two
for every kind of visit. No text of a visitor is in it unescaped: ids are Laurel's own or match a
strict pattern, flags are from a closed list, and the sub-source is encoded.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from shared.events import Quality
from shared.ids import uuid_text

# The person of a click without consent.
NO_CONSENT: Final = '"consent":false'


def click(
    event_id: str, workspace_id: str, link_id: bytes, moment: str, who: str, more: str
) -> bytes:
    """Return the event as JSON.

    `moment` is a UTC time as text, `who` is `NO_CONSENT` or the result of `person`, and `more` is
    the result of `optional_fields` or empty.
    """
    return (
        f'{{"type":"clicked","event_id":"{event_id}","workspace_id":"{workspace_id}",'
        f'"occurred_at":"{moment}","received_at":"{moment}",'
        f'"source":{{"kind":"edge","id":"redirect"}},{who},"link_id":"{uuid_text(link_id)}"{more}}}'
    ).encode()


def person(visitor_id: str, click_id: str) -> str:
    """Return the field with the keys of a person who consents."""
    return f'"person":{{"visitor_id":"{visitor_id}","click_id":"{click_id}"}}'


def optional_fields(flags: Sequence[Quality], sub_source: str | None) -> str:
    """Return the fields that most visits do not have; empty without flags and sub-source."""
    text = ""
    if flags:
        text = f',"quality":{msgspec.json.encode(flags).decode()}'
    if sub_source is not None:
        text += f',"sub_source":{msgspec.json.encode(sub_source).decode()}'
    return text
