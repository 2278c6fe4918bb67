"""The profile of Hypothesis, and the fixtures of `tests/fixtures` for every test."""

from hypothesis import HealthCheck, settings

# On two busy cores the time of an example says nothing about Laurel, so neither a deadline nor slow
# generation fails a property.
settings.register_profile("laurel", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("laurel")

pytest_plugins = ("tests.fixtures.samples", "tests.fixtures.postgres", "tests.fixtures.kafka")
