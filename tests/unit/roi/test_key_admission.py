"""The admission limit of a key: a limited number of requests at once, then 429, then admitted."""

from contextlib import ExitStack

import pytest

from services.roi.routes.parts import KEY_REQUESTS_MAX, KeyAdmission
from shared.http.problems import Problem


def test_a_key_with_too_many_requests_at_work_is_told_when_to_come_back() -> None:
    admission = KeyAdmission()
    with ExitStack() as busy:
        for _ in range(KEY_REQUESTS_MAX):
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
