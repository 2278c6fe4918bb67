"""`laurel run`: all of Laurel under one Ctrl-C, or one service in the foreground."""

import asyncio
import os
import sys
from enum import StrEnum
from typing import Annotated

import typer

from services.cli.supervisor import supervise
from shared.settings import Settings


class Service(StrEnum):
    """The three services."""

    TRACKING = "tracking"
    ATTRIBUTION = "attribution"
    ROI = "roi"


def run(
    service: Annotated[
        Service | None,
        typer.Argument(help="Run only this service, in the foreground, as a deployment does."),
    ] = None,
) -> None:
    """Start Laurel: Postgres and the three services, until Ctrl-C.

    Everything it keeps lies in LAUREL_DATA_DIR (default: .laurel in this folder). With LAUREL_DATABASE_URL it uses
    your Postgres instead of its own, with LAUREL_LOG=kafka://host:9092 your Kafka.
    """
    settings = Settings.load()
    if service is None:
        asyncio.run(supervise(settings))
    else:
        # Becoming the service, so that signals and exit codes reach it and its caller directly.
        os.execv(sys.executable, [sys.executable, "-m", f"services.{service.value}"])
