"""Lines of several processes on one terminal."""

import asyncio
from io import StringIO

from rich.console import Console

from services.cli.console import LINE_BYTES_MAX, THEME, Output


def screen(*, terminal: bool) -> tuple[Output, StringIO]:
    text = StringIO()
    console = Console(file=text, force_terminal=terminal, no_color=True, theme=THEME, width=200)
    return Output(console), text


async def test_lines_start_with_their_process_and_stay_whole() -> None:
    output, text = screen(terminal=False)
    stream = asyncio.StreamReader()
    stream.feed_data(b"one\ntwo [red]\nhal")
    stream.feed_data(b"f\nlast without end")
    stream.feed_eof()
    await output.follow("roi", stream)
    assert text.getvalue().splitlines() == [
        "roi         │ one",
        "roi         │ two [red]",
        "roi         │ half",
        "roi         │ last without end",
    ]


async def test_a_line_without_end_is_cut() -> None:
    output, text = screen(terminal=False)
    stream = asyncio.StreamReader()
    stream.feed_data(b"x" * (LINE_BYTES_MAX + 70_000))
    stream.feed_eof()
    await output.follow("roi", stream)
    assert len(text.getvalue().splitlines()) == 2


def test_json_is_readable_on_a_terminal_and_untouched_in_a_pipe() -> None:
    line = '{"event": "started", "level": "info", "port": 8003}'
    output, text = screen(terminal=False)
    output.say("roi", line)
    assert line in text.getvalue()
    output, text = screen(terminal=True)
    output.say("roi", line)
    assert "started" in text.getvalue()
    assert "port=8003" in text.getvalue()
    assert "{" not in text.getvalue()


def test_a_terminal_shows_errors_of_the_web_server_but_not_its_information() -> None:
    small = '{"event": "Uvicorn running", "level": "info", "logger": "uvicorn.error"}'
    trouble = '{"event": "Application startup failed", "level": "error", "logger": "uvicorn.error"}'
    output, text = screen(terminal=True)
    output.say("roi", small)
    output.say("roi", trouble)
    assert "running" not in text.getvalue()
    assert "failed" in text.getvalue()
    output, text = screen(terminal=False)
    output.say("roi", small)
    assert small in text.getvalue()
