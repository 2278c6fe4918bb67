"""Social counts in attribution: published, repeated, published again, listed, accounted for."""

from datetime import timedelta

import pytest

from services.attribution.pipeline import social_counts
from shared.credits import CountReport, CountsReported, SocialCounts
from tests.factories import NOON
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story
from tests.integration.attribution.test_event_accounts import accounts
from tests.integration.attribution.test_http import serving
from tests.integration.attribution.test_replay import publish_all

LATER = NOON + timedelta(hours=2)


async def told(pipeline: AttributionPipeline, story: Story) -> list[CountsReported]:
    """Return the records of counts on the credits topic."""
    return [
        record
        for record in await pipeline.credits()
        if record.workspace_id == story.workspace_id and isinstance(record, CountsReported)
    ]


async def test_a_report_is_published_as_it_came(
    pipeline: AttributionPipeline, story: Story
) -> None:
    import_id = story.ident("import", "file")
    event = story.counted("mia", received=LATER, import_id=import_id, views=10, likes=0)
    await pipeline.feed(story.click("k1", by="v1"), event, story.order("1", net=300))
    (record,) = await told(pipeline, story)
    assert record.reports == (
        CountReport(
            event_id=event.event_id,
            placement_id=story.ident("placement", "mia"),
            source="Instagram",
            quality="observed",
            counted_at=NOON,
            received_at=LATER,
            counts=SocialCounts(views=10, likes=0),
            import_id=import_id,
        ),
    )
    numbers = [r.sequence for r in await pipeline.credits() if r.workspace_id == story.workspace_id]
    assert sorted(numbers) == [1, 2, 3]


async def test_a_repeated_report_is_published_with_its_later_time(
    pipeline: AttributionPipeline, story: Story
) -> None:
    """So the last word of a source is known, whatever came in between and in whatever order."""
    first, other = story.counted("mia", views=10), story.counted("mia", views=20, received=LATER)
    again = story.counted("mia", views=10, received=LATER + timedelta(hours=1))
    assert again.event_id == first.event_id
    await pipeline.feed(first, other)
    await pipeline.feed(again)
    reports = [report for record in await told(pipeline, story) for report in record.reports]
    assert [(report.counts.views, report.received_at) for report in reports] == [
        (10, NOON),
        (20, LATER),
        (10, LATER + timedelta(hours=1)),
    ]


async def test_many_reports_are_many_records(
    pipeline: AttributionPipeline, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(social_counts, "REPORTS_MAX", 3)
    await pipeline.feed(*(story.counted("mia", views=views) for views in range(7)))
    found = await told(pipeline, story)
    assert [len(record.reports) for record in found] == [3, 3, 1]
    assert [record.sequence for record in found] == [1, 2, 3]


async def test_counts_are_published_again_with_their_numbers(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.feed(story.counted("mia", views=10), story.click("k1", by="v1"))
    await pipeline.feed(story.counted("mia", views=30, at=LATER))
    first = await told(pipeline, story)
    assert len(first) == 2
    spans = await publish_all(pipeline, story.workspace_id, records_max=2)
    assert all(span.missing == () for span in spans)
    assert await told(pipeline, story) == [*first, *first]


async def test_counts_of_unknown_placements_are_listed_until_the_placement_comes(
    place: tuple[str, str],
) -> None:
    async with serving(*place) as service:
        story = service.story
        await service.send(
            story.counted("mia", views=10),
            story.counted("mia", views=10, received=LATER),
            story.counted("mia", views=11),
        )
        assert await accounts(service, 3) == (3, 0, 1, 2, 0)
        found = await service.get("/v1/attention?kind=unknown_placements")
        (item,) = found["items"]
        assert item["count"] == 2
        named = f"Instagram reported placement {story.ident('placement', 'mia')}"
        assert {example["detail"] for example in item["examples"]} == {named}
        await service.teach(*story.cast())
        assert await accounts(service, 3) == (3, 2, 1, 0, 0)
        assert (await service.get("/v1/attention?kind=unknown_placements"))["items"] == []
