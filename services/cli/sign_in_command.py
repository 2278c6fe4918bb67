"""`laurel sign-in`: print an address that signs a browser in to the dashboard, once.

Promise: the address holds a sealed key and works once, within an hour. It is printed and stored
nowhere.
What can go wrong: `ConfigurationError` without the secret key or a key of the workspace.
"""

import asyncio
from typing import Annotated

import typer

from services.cli.console import plain
from services.cli.data_folder import DataFolder
from services.cli.profile import Profile, choose_profile
from services.dashboard.session.sign_in_links import SignInLinks
from shared.clock import Clock, SystemClock
from shared.errors import ConfigurationError
from shared.sealing import Sealer
from shared.settings import Settings


def sign_in(
    workspace: Annotated[
        str | None, typer.Option(help="The brand to sign in to; without it `main`.")
    ] = None,
) -> None:
    """Print an address that signs you in to the dashboard, once.

    It needs the data folder of a running `laurel run`, or LAUREL_SECRET_KEY.
    """
    settings, clock = Settings.load(), SystemClock()
    secret_key = DataFolder(settings.data_dir).secret_key(settings, create=False)
    if secret_key is None:
        raise ConfigurationError(
            "no secret key: run this where the data folder of Laurel is (LAUREL_DATA_DIR), or set"
            " LAUREL_SECRET_KEY to the one that the services have"
        )
    profile = asyncio.run(choose_profile(settings, workspace, clock))
    plain(sign_in_url(profile, secret_key, clock))


def sign_in_url(profile: Profile, secret_key: str, clock: Clock) -> str:
    """Return the address that signs in with the key of a profile."""
    links = SignInLinks(Sealer(secret_key).session_sealer(), clock)
    return f"{profile.dashboard}/app/sign-in?token={links.token(profile.key)}"
