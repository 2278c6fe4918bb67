"""The answer of `GET /v1/attention`: what was accepted and changes no figure, or a doubtful one."""

from datetime import datetime

from shared.api.shapes import AnswerModel


class AttentionExample(AnswerModel):
    """One of the things that were found."""

    order_id: str | None
    """The id of the order or conversion, if it has one."""
    event_id: str | None
    """The id of the event, if one event is meant."""
    occurred_at: datetime
    """When it happened or was noticed."""
    detail: str
    """What is the matter."""


class AttentionItem(AnswerModel):
    """All that was found of one kind."""

    kind: str
    """The kind of attention."""
    sentence: str
    """What was found."""
    count: int
    """How many were found."""
    newest_at: datetime
    """When the newest of them happened or was noticed."""
    what_to_do: str
    """What a person can do about it."""
    examples: list[AttentionExample]
    """The newest of them, at most ten."""


class AttentionAnswer(AnswerModel):
    """What was accepted and changes no figure, or a doubtful one."""

    items: list[AttentionItem]
    """One item for each kind that found something; empty when there is nothing."""
