"""The attention kinds: one file for each kind, with its sentence, what to do, and its statement.

Promise: `KINDS` holds the entry of every file here; no list is edited.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

from services.attribution.store.attention_kind import AttentionKind, discover

KINDS: Final[Mapping[str, AttentionKind]] = discover(__name__)

if TYPE_CHECKING:
    KindId = str
else:
    # The closed list for the parameter of the call and for its schema.
    KindId = Literal[tuple(KINDS)]
