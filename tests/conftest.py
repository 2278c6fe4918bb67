"""What every test may ask for: the fixtures of `tests/fixtures`."""

from hypothesis import HealthCheck, settings

# Two noisy cores: how long an example takes says nothing about Laurel, so neither a deadline nor slow generation fails a property.
settings.register_profile("laurel", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("laurel")

pytest_plugins = ("tests.fixtures.samples", "tests.fixtures.postgres", "tests.fixtures.kafka")
