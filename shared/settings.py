"""The base of every service's settings: the environment read into one frozen value.

Promise: the composition root reads settings once, with `load`, and passes values down. Each name
has the form `LAUREL_<FIELD>`. An unknown name is refused, and the message suggests the nearest
known one, because a misspelt setting would otherwise be ignored. An empty value means "not set",
because compose files pass empty values on. Secrets are `SecretStr`, so they never appear in a
message, a log line or a repr.
What can go wrong: `ConfigurationError`; its message names the variable and says what to change.
"""

import difflib
import os
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from typing_extensions import override

from shared.errors import ConfigurationError
from shared.ids import api_key_hash, api_key_label, is_api_key
from shared.sealing import is_key_ring

PREFIX: Final = "LAUREL_"

# 16 random characters of base64 are 96 bits. The passwords of the database roles are derived from
# the secret, so a shorter one could be guessed from a password.
SECRET_KEY_CHARACTERS_MIN: Final = 16

_SECRET_KEY_PREFIX = "lrl_sec_"
_ADMIN_KEY_HASH = re.compile(r"sha256:([0-9a-f]{64}):(lrl_sec_[A-Za-z0-9]{8})")
_KAFKA_SERVER = re.compile(r"[A-Za-z0-9._-]+:[0-9]{1,5}")
_KAFKA_SCHEME = "kafka://"


class ReadBy:
    """Marks a field with the services and commands that read it; `docs/settings.md` shows them."""

    def __init__(self, *names: str) -> None:
        self.names = names


# The dashboard asks the other services and opens neither the log nor the database.
WITH_LOG: Final = ReadBy("tracking", "attribution", "roi")


class Settings(BaseSettings):
    """The settings of all services, so that one environment (a compose file, a shell) serves all.

    A service inherits from this class. It adds no field.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    host: Annotated[str, ReadBy("all")] = "127.0.0.1"
    """The address that the services listen on. Leave it on loopback unless a proxy such as
    `deploy/nginx.conf` stands in front."""
    dashboard_port: Annotated[int, ReadBy("dashboard")] = Field(default=8000, ge=1, le=65535)
    """The port of the dashboard: the pages."""
    tracking_port: Annotated[int, ReadBy("tracking", "roi", "dashboard")] = Field(
        default=8001, ge=1, le=65535
    )
    """The port of tracking; roi shows it in short links where `LAUREL_SHORT_URL` is not set."""
    attribution_port: Annotated[int, ReadBy("attribution", "dashboard")] = Field(
        default=8002, ge=1, le=65535
    )
    """The port of attribution."""
    roi_port: Annotated[int, ReadBy("roi", "dashboard")] = Field(default=8003, ge=1, le=65535)
    """The port of roi."""
    api_url: Annotated[str | None, ReadBy("dashboard")] = None
    """The base of the API where one host serves all services, such as `http://nginx:8000`. Without
    it the dashboard asks the ports of this machine."""
    data_dir: Annotated[Path, ReadBy("tracking", "laurel run")] = Path(".laurel")
    """The folder of tracking's journal and snapshot, and of what `laurel run` makes: the embedded
    database and the keys."""
    log: Annotated[str, WITH_LOG] = "postgres"
    """Where the log is: `postgres`, or `kafka://host:port[,host:port]`."""
    log_login: Annotated[SecretStr | None, WITH_LOG] = None
    """The log-in at Kafka, `user:password` (SASL with SCRAM-SHA-512), where Kafka asks for one."""
    database_url: Annotated[SecretStr | None, WITH_LOG] = None
    """The address of the database, `postgresql://user:password@host:port/database`. It is the
    owner's for `laurel migrate` and `laurel run`, and a service's own log-in for `laurel run
    SERVICE`, which derives it where the owner's is given. tracking needs none on Kafka."""
    admin_key: Annotated[SecretStr | None, ReadBy("roi")] = None
    """The admin key of the workspace `main`, `lrl_sec_<8>_<32 or more>`. `laurel run` makes one. A
    service gets only its hash, `sha256:<64 hexadecimal digits>:<lrl_sec_<8>>`."""
    secret_key: Annotated[SecretStr | None, ReadBy("all")] = None
    """At least 16 random characters. It seals secrets, signs click ids and derives the services'
    database passwords. `laurel run` makes one and keeps it. A service gets a key ring in its place,
    which holds the keys of its own uses alone."""
    short_url: Annotated[str | None, ReadBy("tracking", "roi", "dashboard")] = None
    """The public base of short links, such as `https://go.example.com`. Without it links show
    tracking's own address."""
    redirect_shortcut: Annotated[bool, ReadBy("tracking")] = True
    """Whether a redirect is answered without a task of its own. Set it to false if an upgrade of
    uvicorn breaks the shortcut: redirects are then slower and use only public names of uvicorn."""
    events_a_minute: Annotated[int, ReadBy("tracking")] = Field(default=240_000, ge=500)
    """The events that one API key may send a minute to one process; more are answered 429. A
    workspace may send twice as many. Signed webhooks and clicks do not count. The default is the
    peak of a large brand: 1,000 visits a second with four reports each."""
    claims_a_minute: Annotated[int, ReadBy("tracking")] = Field(default=6_000, ge=1)
    """The conversions that one public key may claim a minute; more are answered 429. A workspace
    may claim twice as many."""
    unknown_codes_a_minute: Annotated[int, ReadBy("tracking")] = Field(default=6_000, ge=1)
    """The visits to unknown short links that are answered 404 a minute, on each host of a brand and
    on all others together; more are answered 429. Visits to links that exist are never limited."""
    journal_bytes: Annotated[int, ReadBy("tracking")] = Field(default=6_480_000_000, ge=1_000)
    """The disk that one process may use while the log is away, in bytes. One workspace may hold as
    much as is free at that moment, and one key half of that: one brand alone can fill one half,
    one key alone one third."""

    @classmethod
    @override
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Raise TypeError, at import, for a field that a service adds."""
        super().__pydantic_init_subclass__(**kwargs)
        added = set(cls.model_fields) - KNOWN_FIELDS
        if added:
            raise TypeError(f"add {sorted(added)} to shared.settings.Settings, with its readers")

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use only the values that `load` passes, so that a test needs no real environment."""
        return (init_settings,)

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings from `environ`, by default the environment of the process.

        Raises `ConfigurationError`.
        """
        found = {
            name.upper(): value
            for name, value in (os.environ if environ is None else environ).items()
            if name.upper().startswith(PREFIX)
        }
        _refuse_unknown(found)
        values = {
            name.removeprefix(PREFIX).lower(): value for name, value in found.items() if value
        }
        try:
            return cls.model_validate(
                {name: values[name] for name in cls.model_fields if name in values}
            )
        except ValidationError as error:
            raise ConfigurationError(_explain(error)) from None

    @field_validator("log")
    @classmethod
    def _check_log(cls, value: str) -> str:
        servers = value.removeprefix(_KAFKA_SCHEME).split(",")
        is_kafka = value.startswith(_KAFKA_SCHEME) and all(
            _KAFKA_SERVER.fullmatch(server) for server in servers
        )
        if value != "postgres" and not is_kafka:
            raise ValueError("use postgres, or kafka://host:port[,host:port]")
        return value

    @field_validator("admin_key")
    @classmethod
    def _check_admin_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        key = value.get_secret_value()
        is_key = is_api_key(key) and key.startswith(_SECRET_KEY_PREFIX)
        if not is_key and admin_key_hash(key) is None:
            raise ValueError(
                "use lrl_sec_<8 letters or digits>_<32 to 128 letters, digits, - or _>"
            )
        return value

    @field_validator("secret_key")
    @classmethod
    def _check_secret_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or is_key_ring(value.get_secret_value()):
            return value
        if len(value.get_secret_value()) < SECRET_KEY_CHARACTERS_MIN:
            raise ValueError(f"use at least {SECRET_KEY_CHARACTERS_MIN} random characters")
        return value

    @field_validator("database_url")
    @classmethod
    def _check_database_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(
            ("postgresql://", "postgres://", "postgresql+asyncpg://")
        ):
            raise ValueError("use postgresql://user:password@host:port/database")
        return value

    @field_validator("log_login")
    @classmethod
    def _check_log_login(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not all(value.get_secret_value().partition(":")):
            raise ValueError("use user:password")
        return value

    @field_validator("short_url", "api_url")
    @classmethod
    def _check_base_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        is_plain = not (parts.query or parts.fragment or parts.username)
        if parts.scheme not in ("http", "https") or not parts.hostname or not is_plain:
            raise ValueError("use http(s)://host[:port], a base without user, query and fragment")
        return value.rstrip("/")

    @property
    def kafka_servers(self) -> tuple[str, ...]:
        """The `host:port` of each Kafka broker; empty if the log is Postgres."""
        if self.log == "postgres":
            return ()
        return tuple(self.log.removeprefix(_KAFKA_SCHEME).split(","))

    @property
    def kafka_login(self) -> tuple[str, str] | None:
        """User and password of the log-in at Kafka; None without a log-in."""
        if self.log_login is None:
            return None
        user, _, password = self.log_login.get_secret_value().partition(":")
        return user, password

    @property
    def short_base(self) -> str:
        """The public base of short links, without a trailing slash."""
        return self.short_url or f"http://{self.host}:{self.tracking_port}"

    def read_by(self, service: str, *, without: Collection[str]) -> dict[str, str]:
        """Return the variables that a service reads, `without` some fields and those not set."""
        values = {
            name: getattr(self, name)
            for name, info in type(self).model_fields.items()
            if name not in without and any(_reads(service, mark) for mark in info.metadata)
        }
        return {
            PREFIX + name.upper(): _text(value)
            for name, value in values.items()
            if value is not None
        }

    def require_secret_key(self) -> str:
        """Return the secret key in clear. Raises `ConfigurationError` if it is not set."""
        return _required(self.secret_key, "secret_key")

    def require_database_url(self) -> str:
        """Return the owner's database URL in clear. Raises `ConfigurationError` if not set."""
        return _required(self.database_url, "database_url")


KNOWN_FIELDS: Final = frozenset(Settings.model_fields)


def admin_key_hash(text: str) -> tuple[str, str] | None:
    """Return SHA-256 (hex) and label of an admin key in its hashed form; None for other texts."""
    found = _ADMIN_KEY_HASH.fullmatch(text)
    return None if found is None else (found[1], found[2])


def hashed_admin_key(key: str) -> str:
    """Return the hashed form of an admin key; a hashed one is returned as it is."""
    if admin_key_hash(key) is not None:
        return key
    return f"sha256:{api_key_hash(key)}:{api_key_label(key)}"


def _required(value: SecretStr | None, field: str) -> str:
    if value is None:
        raise ConfigurationError(f"{PREFIX}{field.upper()} must be set; `laurel run` sets it")
    return value.get_secret_value()


def _reads(service: str, mark: object) -> bool:
    return isinstance(mark, ReadBy) and not {"all", service}.isdisjoint(mark.names)


def _text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _refuse_unknown(names: Iterable[str]) -> None:
    known = sorted(PREFIX + field.upper() for field in KNOWN_FIELDS)
    for name in sorted(names):
        if name in known:
            continue
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
        raise ConfigurationError(f"{name} is not a setting of Laurel; did you mean {nearest}?")


def _explain(error: ValidationError) -> str:
    return "; ".join(
        f"{PREFIX}{str(item['loc'][0]).upper()}: {item['msg'].removeprefix('Value error, ')}"
        for item in error.errors()
    )


# What a process needs from the system: programs, libraries, languages, folders, certificates. All
# else in an environment, such as passwords for other programs, is not handed on.
_SYSTEM_NAMES: Final = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TERM", "VIRTUAL_ENV"}
)
_SYSTEM_PREFIXES: Final = ("LC_", "LD_", "DYLD_", "PYTHON", "SSL_CERT_", "COVERAGE_", "COV_")


def environment_of(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that this one starts: the system's, and `settings`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _SYSTEM_NAMES or name.startswith(_SYSTEM_PREFIXES)
    }
    return kept | dict(settings)
