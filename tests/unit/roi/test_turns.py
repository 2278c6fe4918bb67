"""One key's share of the service: as many requests at work as named, then 429, and the next is welcome again."""

from contextlib import ExitStack

import pytest

from services.roi.routes.parts import KEY_REQUESTS_MAX, Turns
from shared.http.problems import Problem


def test_a_key_with_too_many_requests_at_work_is_told_when_to_come_back() -> None:
    turns = Turns()
    with ExitStack() as busy:
        for _ in range(KEY_REQUESTS_MAX):
            busy.enter_context(turns.taken("one"))
        with pytest.raises(Problem) as refused, turns.taken("one"):
            pass
        assert refused.value.status == 429
        assert refused.value.headers is not None
        assert refused.value.headers["Retry-After"] == "1"
        with turns.taken("another"):
            pass
    with turns.taken("one"):
        pass
