"""The sender of an import against a real tracking: it waits while its quota is used up.

Promise: HTTP is real; the minute of the quota passes while the sender waits.
"""

from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
import pytest
from typing_extensions import override

from services.cli.imports.event_sender import ATTEMPTS_MAX, send_batch
from services.cli.profile import Api, Profile, Refused
from shared.clock import SystemClock
from tests.fixtures.clocks import ShiftedClock
from tests.integration.tracking.test_quotas import ENVIRON, EVENTS, REFERRED
from tests.integration.tracking.world import Site, World


class Waiting(SystemClock):
    """A clock whose sleeps take no time and move the clock of tracking by `step` of their time."""

    def __init__(self, tracking: ShiftedClock, step: int) -> None:
        self.tracking = tracking
        self.step = step
        self.waits: list[float] = []

    @override
    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.tracking.ahead += timedelta(seconds=seconds * self.step)


ACCEPTED: Final = [REFERRED] * EVENTS


def api_of(site: Site) -> Api:
    _, _, key = site.world.brand.bearer()["Authorization"].partition(" ")
    return Api(Profile(str(site.client.base_url).rstrip("/"), "", "", "", key))


async def test_a_batch_beyond_the_quota_is_sent_again_when_there_is_room(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.brand.clock = clock = ShiftedClock()
    await world.publish(*world.brand.records())
    waiting = Waiting(clock, step=1)
    async with world.serving(environ=ENVIRON) as site, api_of(site) as api:
        await site.ready()
        for batch in (ACCEPTED, ACCEPTED):
            assert await send_batch(api, waiting, batch) == []
        assert len(waiting.waits) == 1
        rejected = await send_batch(api, waiting, [{"type": "referred"}, REFERRED])
        assert [item["index"] for item in rejected] == [0]


async def test_a_sender_that_gets_no_room_for_long_says_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.brand.clock = clock = ShiftedClock()
    await world.publish(*world.brand.records())
    waiting = Waiting(clock, step=0)
    async with world.serving(environ=ENVIRON) as site, api_of(site) as api:
        await site.ready()
        await send_batch(api, waiting, ACCEPTED)
        with pytest.raises(Refused) as raised:
            await send_batch(api, waiting, ACCEPTED)
        assert raised.value.status == httpx.codes.TOO_MANY_REQUESTS
        assert len(waiting.waits) == ATTEMPTS_MAX - 1
