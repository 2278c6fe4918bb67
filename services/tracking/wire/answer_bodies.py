"""The answers of the calls that report events, and of webhooks."""

from shared.api.shapes import AnswerModel


class AcceptedOut(AnswerModel):
    """202: the event is on stable storage."""

    event_id: str
    """The id of the event. A repeated report gives the same id."""
    accepted: bool = True
    """Always true."""


class FlawOut(AnswerModel):
    """One wrong field."""

    field: str
    """The field as a path, such as `person.email`."""
    message: str
    """What is wrong with it."""


class RejectedOut(AnswerModel):
    """One event of a batch that was rejected."""

    index: int
    """The place of the event in the array, from 0."""
    errors: list[FlawOut]
    """What is wrong with it."""


class BatchOut(AnswerModel):
    """202: the result of a batch. Each event is accepted or rejected by itself."""

    accepted: int
    """The number of events on stable storage."""
    rejected: list[RejectedOut]
    """The events that were rejected."""


class DeliveryOut(AnswerModel):
    """200: the result of a webhook delivery."""

    accepted: bool
    """Whether the delivery could be used."""
    event_ids: list[str]
    """The ids of its events."""
    errors: tuple[FlawOut, ...] = ()
    """The fields that could not be used."""
