"""Kill each process at random moments under traffic: what was answered 2xx counts exactly once.

Two workspaces get the same orders: `main` while processes are killed, `clean` afterwards. Their
figures must be equal. The seed is recorded and can be set by SEED.
"""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.installation import Brand, Installation, eventually
from tests.e2e.shop import (
    Shop,
    assert_counted_once,
    revenue_by_label,
    sell_again_without_outage,
    selling,
    wait_for_revenue,
)

pytestmark = [pytest.mark.xdist_group("e2e"), pytest.mark.timeout(600)]

KILLS: Final = 8
KILL_PAUSE_SECONDS: Final = 1.5
VICTIMS: Final = ("tracking", "attribution", "roi", "postgres")


def test_killing_every_process_loses_nothing_that_was_acknowledged(
    scratch: Path, record_property: Callable[[str, object], None]
) -> None:
    seed = int(os.environ.get("SEED", "20261122"))
    record_property("seed", seed)
    laurel = Installation(scratch)
    laurel.start("run")
    try:
        laurel.wait_until_ready()
        shop = Shop(Brand(laurel), seed)
        sell_while_killing(laurel, shop, seed)
        wait_for_revenue(shop)
        assert_counted_once(shop, groups_lost_max=KILLS)
        clean = sell_again_without_outage(Brand.in_new_workspace(laurel, "clean"), shop, seed)
        assert revenue_by_label(clean.brand) == revenue_by_label(shop.brand)
        shop.brand.assert_verified()
    finally:
        laurel.stop()


def sell_while_killing(laurel: Installation, shop: Shop, seed: int) -> None:
    """Sell from a thread, and kill `KILLS` processes meanwhile, each kind at least once."""
    chance = random.Random(seed + 1)
    victims = [*VICTIMS, *(chance.choice(VICTIMS) for _ in range(KILLS - len(VICTIMS)))]
    with selling(shop):
        for victim in victims:
            time.sleep(KILL_PAUSE_SECONDS * (0.5 + chance.random()))
            os.kill(process_of(laurel, victim), signal.SIGKILL)
        time.sleep(KILL_PAUSE_SECONDS)
    assert len(shop.sold) > KILLS


def process_of(laurel: Installation, victim: str) -> int:
    """Return the process id of a service or of the embedded Postgres of an installation."""
    supervisor = laurel.processes["run"].pid
    wanted = "postgres" if victim == "postgres" else f"run\0{victim}"

    def look() -> int | None:
        for folder in Path("/proc").iterdir():
            if not folder.name.isdecimal():
                continue
            try:
                words = (folder / "cmdline").read_text()
                ours = (
                    str(laurel.folder) in (folder / "environ").read_text()
                    or str(laurel.folder) in words
                )
            except OSError:
                continue
            if (
                ours
                and wanted in words
                and int(folder.name) != supervisor
                and is_main(victim, words)
            ):
                return int(folder.name)
        return None

    return eventually(look, what=f"{victim} runs")


def is_main(victim: str, words: str) -> bool:
    """Whether a command line is no child of Postgres: only the postmaster has the option -D."""
    return victim != "postgres" or "\0-D" in words
