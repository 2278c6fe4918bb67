"""Inputs of credit models: steps of given ages before `NOON`."""

from datetime import timedelta

from services.attribution.domain.steps import ModelInput, Step
from shared.models import ModelRef, chosen_model
from tests.factories import NOON


def steps_aged(ref: ModelRef, *ages: timedelta, brand_at: tuple[int, ...] = ()) -> ModelInput:
    """Clicks of these ages, oldest first; those at the places `brand_at` are the brand's own."""
    steps = [Step(NOON - age, "click", place in brand_at) for place, age in enumerate(ages)]
    return ModelInput(steps, NOON, chosen_model(ref).parameters)
