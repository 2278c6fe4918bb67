"""Admission limits: a limited number of requests at once, then 429, then admitted."""

from contextlib import ExitStack

import pytest

from shared.http.admission import Admission
from shared.http.problems import Problem


def test_a_key_with_too_many_requests_at_work_is_told_when_to_come_back() -> None:
    admission = Admission(3, "requests of this key")
    with ExitStack() as busy:
        for _ in range(3):
            busy.enter_context(admission.admitted("one"))
        with pytest.raises(Problem) as refused, admission.admitted("one"):
            pass
        assert refused.value.status == 429
        assert refused.value.headers is not None
        assert refused.value.headers["Retry-After"] == "1"
        with admission.admitted("another"):
            pass
    with admission.admitted("one"):
        pass
