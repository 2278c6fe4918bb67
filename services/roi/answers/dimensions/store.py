"""Dimension `store`: the store of the conversion, `main` or the id of another one.

Clicks and costs belong to no store.
"""

from typing import Final

from services.roi.answers.kinds import Dimension, FromRow
from shared.ids import MAIN_STORE

STORE: Final = Dimension(
    id="store",
    label="Store",
    source=FromRow("store", names="store"),
    words=(MAIN_STORE,),
)
