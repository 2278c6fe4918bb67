"""Only one function makes the comparable text of a code, and it is no `str`."""

from shared.code_texts import CodeText
from tests.architecture.test_tidy import python_files


def test_only_code_text_makes_a_code_text() -> None:
    makers = [
        path
        for path, _, text in python_files()
        if path.startswith(("shared/", "services/")) and "CodeText(" in text
    ]
    assert makers == ["shared/code_texts.py"]
    assert not issubclass(CodeText, str)
