"""The file of an import in parts: one where a call can hold it, else several with true lines."""

from pathlib import Path

import pytest

from services.cli.imports.file_parts import PART_BYTES_MAX, Part, check_equal_rows, parts_of
from services.roi.wire.import_shapes import ROWS_MAX
from shared.errors import ConfigurationError

HEAD = "name;note\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "creators.csv"
    path.write_text(text)
    return path


def test_a_file_that_one_call_can_hold_is_sent_as_it_is(tmp_path: Path) -> None:
    text = HEAD + "Mia;x\n\nLeo;y\n"
    assert parts_of(written(tmp_path, "\ufeff" + text)) == [Part(text, 2)]
    full = HEAD + "".join(f"C{number};\n" for number in range(ROWS_MAX))
    assert parts_of(written(tmp_path, full)) == [Part(full, ROWS_MAX)]
    assert parts_of(written(tmp_path, "")) == [Part("", 0)]


def test_a_longer_file_is_divided_after_whole_rows(tmp_path: Path) -> None:
    """A row has its line in the file, also after rows of several lines and empty lines."""
    rows = ['"Mia\nB";x', "", *(f"C{number};" for number in range(ROWS_MAX)), "Last;"]
    first, second = parts_of(written(tmp_path, HEAD + "\n".join(rows) + "\n"))
    assert (first.rows, second.rows) == (ROWS_MAX, 2)
    assert first.text.startswith('name,note\n"Mia\nB",x\nC0,\n')
    assert [first.line(own) for own in (2, 4, 5)] == [2, 5, 6]
    assert second.text == f"name,note\nC{ROWS_MAX - 1},\nLast,\n"
    assert [second.line(own) for own in (2, 3)] == [ROWS_MAX + 4, ROWS_MAX + 5]


def test_a_part_fits_into_a_body(tmp_path: Path) -> None:
    note = "\u00e4" * 2_000
    text = HEAD + "".join(f"C{number};{note}\n" for number in range(100))
    parts = parts_of(written(tmp_path, text))
    assert sum(part.rows for part in parts) == 100
    assert len(parts) > 1
    assert all(len(part.text.encode()) <= PART_BYTES_MAX for part in parts)


def test_equal_rows_in_two_parts_are_refused(tmp_path: Path) -> None:
    rows = ["Mia;x", *(f"C{number};" for number in range(ROWS_MAX)), "Mia; x"]
    path = written(tmp_path, HEAD + "\n".join(rows))
    with pytest.raises(ConfigurationError, match=f"lines 2 and {ROWS_MAX + 3} are equal"):
        check_equal_rows(path, parts_of(path))
    near = ["Mia;x", "Mia;x", *(f"C{number};" for number in range(ROWS_MAX))]
    path = written(tmp_path, HEAD + "\n".join(near))
    parts = parts_of(path)
    assert len(parts) == 2
    check_equal_rows(path, parts)


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        parts_of(tmp_path / "nowhere.csv")
    (tmp_path / "latin.csv").write_bytes("M\u00e4x\n".encode("latin-1"))
    with pytest.raises(ConfigurationError, match="not in UTF-8"):
        parts_of(tmp_path / "latin.csv")
