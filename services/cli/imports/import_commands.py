"""The group of the commands `laurel import …`; to add one is to add its file and a line here."""

import typer

from services.cli.imports.orders_command import orders

app = typer.Typer(no_args_is_help=True)


@app.callback()
def imports() -> None:
    """Bring in what is known already, from CSV files."""


app.command()(orders)
