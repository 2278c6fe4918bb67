"""Settings: defaults, refusals and their messages, and no secret in any message."""

import re
from typing import ClassVar

import pytest
from pydantic import ValidationError

from shared.errors import ConfigurationError
from shared.settings import KNOWN_FIELDS, Settings

ADMIN_KEY = "lrl_sec_abcdefgh_" + "x" * 32


def test_defaults_are_those_of_laurel_run() -> None:
    settings = Settings.load({})
    assert (settings.host, settings.log, settings.kafka_servers) == ("127.0.0.1", "postgres", ())
    assert (settings.tracking_port, settings.attribution_port, settings.roi_port) == (
        8001,
        8002,
        8003,
    )
    assert str(settings.data_dir) == ".laurel"
    assert settings.short_base == "http://127.0.0.1:8001"


def test_values_are_read_and_empty_ones_are_not_set() -> None:
    settings = Settings.load(
        {
            "LAUREL_LOG": "kafka://one:9092,two:9093",
            "LAUREL_SHORT_URL": "https://go.example/",
            "LAUREL_ADMIN_KEY": ADMIN_KEY,
            "LAUREL_DATABASE_URL": "",
            "PATH": "/bin",
        }
    )
    assert settings.kafka_servers == ("one:9092", "two:9093")
    assert settings.short_base == "https://go.example"
    assert settings.admin_key is not None
    assert settings.admin_key.get_secret_value() == ADMIN_KEY
    assert settings.database_url is None


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("LAUREL_DATABSE_URL", "LAUREL_DATABASE_URL"),
        ("LAUREL_PORT", "LAUREL_ROI_PORT"),
        ("LAUREL_DATADIR", "LAUREL_DATA_DIR"),
        ("laurel_admn_key", "LAUREL_ADMIN_KEY"),
        ("LAUREL_", "LAUREL_LOG"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(ConfigurationError, match=f"did you mean {nearest}"):
        Settings.load({name: "x"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LAUREL_LOG", "kafka://"),
        ("LAUREL_LOG", "kafka://host"),
        ("LAUREL_LOG", "redis://host:1"),
        ("LAUREL_TRACKING_PORT", "0"),
        ("LAUREL_TRACKING_PORT", "http"),
        ("LAUREL_ADMIN_KEY", "secret-value"),
        ("LAUREL_ADMIN_KEY", ADMIN_KEY.replace("sec", "pub")),
        ("LAUREL_SECRET_KEY", "secret-value"),
        ("LAUREL_DATABASE_URL", "mysql://user:secret-value@host/db"),
        ("LAUREL_SHORT_URL", "ftp://go.example"),
        ("LAUREL_SHORT_URL", "https://user@go.example"),
    ],
)
def test_a_wrong_value_names_its_variable_and_never_shows_a_secret(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name}: ") as caught:
        Settings.load({name: value})
    assert "secret-value" not in str(caught.value)


def test_what_is_required_says_so() -> None:
    settings = Settings.load({})
    with pytest.raises(ConfigurationError, match="LAUREL_SECRET_KEY must be set"):
        settings.require_secret_key()
    with pytest.raises(ConfigurationError, match="LAUREL_DATABASE_URL must be set"):
        settings.require_database_url()
    full = Settings.load(
        {"LAUREL_SECRET_KEY": "k" * 16, "LAUREL_DATABASE_URL": "postgresql://a:b@c/d"}
    )
    assert full.require_secret_key() == "k" * 16
    assert full.require_database_url() == "postgresql://a:b@c/d"
    assert "k" * 16 not in repr(full)


def test_settings_are_frozen() -> None:
    settings = Settings.load({})
    with pytest.raises(ValidationError, match="frozen"):
        settings.host = "0.0.0.0"  # type: ignore[misc] # the assignment must fail at run time too


def test_a_service_cannot_invent_a_name() -> None:
    with pytest.raises(TypeError, match="flux_capacity"):

        class Wrong(Settings):
            """A settings class of a service with a field of its own."""

            flux_capacity: int = 1
            ignored: ClassVar[int] = 2


def test_the_known_names_are_plain() -> None:
    assert {"host", "log", "secret_key", "journal_bytes"} <= KNOWN_FIELDS
    assert all(re.fullmatch(r"[a-z][a-z_]*", name) for name in KNOWN_FIELDS)
