"""The CSV file of an import: its header against the known columns, separators, lines, bad rows."""

from pathlib import Path

import pytest

from services.cli.imports.csv_file import CsvFile
from services.roi.domain.imports.csv_table import Asked, BadRow, Columns, Row
from shared.errors import ConfigurationError

COLUMNS = Columns(needed=("order_id", "net"), one_of=("customer_id", "email"), optional=("store",))
ROW = Row(2, {"order_id": "1", "net": "4.90", "email": "a@b.de"})


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "orders.csv"
    path.write_bytes(text.encode(encoding))
    return path


def read(path: Path, **asked: str) -> list[Row | BadRow]:
    return list(CsvFile(path, COLUMNS, Asked(asked)).rows())


@pytest.mark.parametrize(
    "text",
    [
        "order_id,net,email\n1,4.90,a@b.de\n",
        "order_id;net;email\r\n1;4.90;a@b.de\r\n",
        "order_id\tnet\temail\n1\t4.90\ta@b.de",
        "\ufeffOrder ID, NET ,EMail\n 1 , 4.90,a@b.de\n",
        'order_id,net,email,store\n"1","4.90","a@b.de",""\n\n,,,\n',
        "net,email,Customer-Id,order_id\n4.90,a@b.de,,1\n",
    ],
)
def test_separators_titles_blanks_and_empty_rows(tmp_path: Path, text: str) -> None:
    assert read(written(tmp_path, text)) == [ROW]


def test_each_row_has_the_line_at_which_it_begins(tmp_path: Path) -> None:
    text = 'order_id,net,email\n"a\nb",1,x\n\n2,2,y\n3,3\n4,4,z,too much\n5,5,v\n'
    found = read(written(tmp_path, text))
    assert [row.line for row in found] == [2, 5, 6, 7, 8]
    bad = [row for row in found if isinstance(row, BadRow)]
    assert [row.flaws[0][1] for row in bad] == [
        "has 2 fields, and the header has 3",
        "has 4 fields, and the header has 3",
    ]
    # A file can be read again.
    file = CsvFile(written(tmp_path, text), COLUMNS, Asked({}))
    assert list(file.rows()) == list(file.rows()) == found


def test_a_field_beyond_all_sizes_is_one_bad_row(tmp_path: Path) -> None:
    text = f"order_id,net,email\n{'x' * 200_000},1,x\n2,2,y\n"
    found = read(written(tmp_path, text))
    assert isinstance(found[0], BadRow)
    assert (found[0].line, found[0].flaws[0][0]) == (2, "row")
    assert found[-1] == Row(3, {"order_id": "2", "net": "2", "email": "y"})


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("order_id,net,email,Total,Paid at", ["not known (Total, Paid at)", "--skip-unknown"]),
        ("order_id,net,email,", ["not known ((no name))"]),
        ("order_id,email", ["has no column net", "Known are order_id, net, customer_id, email"]),
        ("order_id,net,store", ["has none of the columns customer_id, email"]),
        ("Name,Amount,email", ["not known (Name, Amount)", "no column order_id, net", "--column"]),
        ("order_id,net,email,EMAIL", ["the columns email more than once"]),
        ("", ["has no header"]),
        ("  \n1,2,3", ["has no header"]),
    ],
)
def test_what_is_wrong_with_a_header_is_named_with_what_is_known(
    tmp_path: Path, header: str, told: list[str]
) -> None:
    path = written(tmp_path, header)
    with pytest.raises(ConfigurationError) as raised:
        read(path)
    for words in (str(path), *told):
        assert words in str(raised.value)


def test_columns_under_other_titles_and_columns_to_leave_out(tmp_path: Path) -> None:
    text = "Name,Subtotal,net,Email,Tags\n1,4.90,5.90,a@b.de,vip\n"
    asked = Asked({"order_id": "name", "net": "Subtotal"}, skip_unknown=True)
    assert list(CsvFile(written(tmp_path, text), COLUMNS, asked).rows()) == [ROW]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"order": "Name"}, "'order' is none of order_id, net"),
        ({"order_id": "Number"}, "has no column 'Number'"),
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, asked: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        read(written(tmp_path, "Name,net,email\n"), **asked)


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read(tmp_path / "nowhere.csv")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read(tmp_path)
    for text in ("order_id,net,email\n1,2,M\u00e4x\n", "\u00e4\n"):
        with pytest.raises(ConfigurationError, match="not in UTF-8"):
            read(written(tmp_path, text, "latin-1"))
