"""The options that `laurel roi`, `laurel funnel` and `laurel goals` share."""

from typing import Annotated, Final

import typer

from services.roi.answers.dictionary import DIMENSIONS

_BY: Final = f"One or two of {', '.join(DIMENSIONS)}, joined by a comma."

By = Annotated[str, typer.Option(help=_BY)]
From = Annotated[
    str | None,
    typer.Option("--from", help="The first day, such as 2026-03-01; 30 days when left out."),
]
To = Annotated[str | None, typer.Option(help="The last day, included; today when left out.")]
Model = Annotated[
    str | None, typer.Option(help="The credit model, such as first; `last` when left out.")
]
InCurrency = Annotated[
    str | None, typer.Option("--currency", help="One currency for all amounts, such as EUR.")
]
AsOf = Annotated[
    str | None, typer.Option(help="As it was known at this time: 2026-03-01T12:00:00Z.")
]
Order = Annotated[
    str | None,
    typer.Option(help="`lower_bound`: by the lower end of the range of ROI, too few orders last."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the JSON of the API.")]
Workspace = Annotated[
    str | None, typer.Option(help="A workspace other than that of the admin key.")
]
