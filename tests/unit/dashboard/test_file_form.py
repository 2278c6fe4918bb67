"""The form of an import: the file as text, its titles, and the questions about its columns."""

import pytest

from services.dashboard.client.api import Failed
from services.dashboard.pages.imports.file_form import FileRefused, GivenFile, asks_of


def test_a_file_is_the_same_text_whether_sent_or_carried() -> None:
    sent = GivenFile.of({}, b'\xef\xbb\xbfname,note\r\nMia,"a\r\nb"\r\n')
    carried = GivenFile.of({"text": sent.text.replace("\n", "\r\n")}, None)
    assert sent.text == carried.text == 'name,note\nMia,"a\nb"\n'


def test_undecided_columns_are_left_to_the_api() -> None:
    fields = {
        "text": "a;b;c\n1;2;3\n",
        "title.0": "a",
        "column.0": "name",
        "title.1": "b",
        "column.1": "-",
        "title.2": "c",
        "column.2": "",
    }
    assert GivenFile.of(fields, None).body["columns"] == {"a": "name", "b": None}


def test_rows_are_known_by_their_first_line() -> None:
    file = GivenFile('name;note\nMia;"a\nb"\n\nLena;\n')
    assert file.titles == ["name", "note"]
    assert {line: text for line, text in file.rows().items() if text} == {
        1: "name · note",
        2: "Mia · a\nb",
        5: "Lena",
    }


def test_questions_are_about_unknown_and_answered_columns() -> None:
    file = GivenFile("a,,c\n", {"a": "name"})
    asks = asks_of(file, ["(no name)", "c"], None)
    assert [(one.title, one.chosen) for one in asks] == [("a", "name"), ("", ""), ("c", "")]


def test_a_refused_header_asks_about_every_column() -> None:
    refused = Failed(422, "no", {"file": "has no column name", "columns.b": "is not known"})
    asks = asks_of(GivenFile("a,b\n"), (), refused)
    assert {(one.title, one.error) for one in asks} == {("a", None), ("b", "is not known")}


@pytest.mark.parametrize("sent", [b"", b" \r\n", b"\xff\xfe", b"x" * 200_000])
def test_a_file_that_cannot_be_sent_is_refused(sent: bytes) -> None:
    with pytest.raises(FileRefused):
        GivenFile.of({}, sent)
