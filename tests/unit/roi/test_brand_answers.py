"""Answers in progress: a brand has a limit, and one of its keys leaves room for the others."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from services.roi.routes.parts import BRAND_ANSWERS_MAX, KEY_ANSWERS_MAX, BrandAnswers
from shared.http.problems import Problem


async def test_one_key_never_takes_all_answers_of_its_brand() -> None:
    answers = BrandAnswers()
    release = asyncio.Event()

    async def one(workspace: str, key: str) -> None:
        async with answers.turn(workspace, key):
            await release.wait()

    async def refusal(workspace: str, key: str) -> str:
        async with AsyncExitStack() as stack:
            with pytest.raises(Problem) as refused:
                await stack.enter_async_context(answers.turn(workspace, key))
        assert refused.value.status == 429
        return str(refused.value.detail)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(KEY_ANSWERS_MAX):
            tasks.create_task(one("brand", "first"))
        await asyncio.sleep(0)
        assert "answers of this key" in await refusal("brand", "first")
        for _ in range(BRAND_ANSWERS_MAX - KEY_ANSWERS_MAX):
            tasks.create_task(one("brand", "second"))
        await asyncio.sleep(0)
        assert "answers of this workspace" in await refusal("brand", "third")
        tasks.create_task(one("neighbour", "fourth"))
        release.set()
    async with asyncio.timeout(30), answers.turn("brand", "first"):
        pass
