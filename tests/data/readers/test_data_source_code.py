from __future__ import annotations

import ast
from pathlib import Path

import pytest

from embedtune.data.readers.library.source_code import MAX_CHARACTERS, Snippet, read_snippets, summary


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("Return the size of a file.", "Return the size of a file."),
        ("\n    Return the size\n    of a file\n\n    Raises OSError.\n    ", "Return the size of a file"),
        ("Return the size of it. Raises OSError. And more.", "Return the size of it."),
        ("Return numbers, e.g. the version 3.11 of it.", "Return numbers, e.g. the version 3.11 of it."),
        ("Too short.", None),
        ("word " * 31, None),
        ("", None),
        ("getsize(path) returns the size.", None),
        (">>> print of a file", None),
    ],
)
def test_summary_is_the_first_sentence_of_prose(docstring: str, expected: str | None) -> None:
    assert summary(docstring) == expected


def snippets(tmp_path: Path, source: str | bytes) -> list[Snippet]:
    path = tmp_path / "module.py"
    path.write_bytes(source.encode() if isinstance(source, str) else source)
    return read_snippets(path, "module")


BODY = "total = sum(item for item in everything if item is not None)"


def test_code_is_dedented_decorated_and_without_docstring(tmp_path: Path) -> None:
    source = f'''
class Holder:
    @staticmethod
    def count(everything):  # comments stay
        """Add up everything that is given.

        And more.
        """
        # so do these
        {BODY}

        return total
'''
    assert snippets(tmp_path, source) == [
        Snippet(
            "module",
            4,
            "Add up everything that is given.",
            f"@staticmethod\ndef count(everything):  # comments stay\n    # so do these\n    {BODY}\n    return total",
        )
    ]


def test_what_contains_a_snippet_is_none_itself(tmp_path: Path) -> None:
    source = f'''
if True:
    class Outer:
        """Hold methods that are documented."""
        async def inner(self, everything):
            """Add up everything that is given."""
            {BODY}
            return total

    class Alone:
        """Hold methods that are hardly documented."""
        def short(self, everything):
            """Short."""
            {BODY}
            return total
        def on_one_line(self): "Short too."
'''
    found = snippets(tmp_path, source)
    assert [snippet.summary for snippet in found] == [
        "Add up everything that is given.",
        "Hold methods that are hardly documented.",
    ]
    assert "Short." not in found[1].code
    assert found[1].code.endswith('    def on_one_line(self): "Short too."')


def test_trivial_and_undocumented_code_is_left_out(tmp_path: Path) -> None:
    source = f'''
def empty_but_with_a_long_name_and_signature(argument_one, argument_two, argument_three):
    """Do nothing that is worth a word."""

def short():
    """Return one and nothing else."""
    return 1

def undocumented(everything):
    {BODY}
    return total
'''
    assert snippets(tmp_path, source) == []


def test_long_code_is_cut_at_a_line(tmp_path: Path) -> None:
    lines = "\n".join(f"    value_{i} = {i}" for i in range(500))
    (snippet,) = snippets(tmp_path, f'def long():\n    """Assign a great many values."""\n{lines}\n')
    assert MAX_CHARACTERS - 30 < len(snippet.code) <= MAX_CHARACTERS
    assert snippet.code.splitlines()[-1] in lines.splitlines()


def test_odd_line_separators_do_not_shift_lines(tmp_path: Path) -> None:
    function = f'def add(everything):\n    """Add up everything that is given."""\n    {BODY}\n'
    source = f'SEPARATORS = "\x0c\u2028\x85"\n\n{function}'
    (snippet,) = snippets(tmp_path, source)
    assert isinstance(ast.parse(snippet.code).body[0], ast.FunctionDef)
    assert snippet.code.startswith("def add(everything):\n    total")


def test_files_that_python_cannot_read_have_none(tmp_path: Path) -> None:
    assert snippets(tmp_path, "def broken(:\n") == []
    assert snippets(tmp_path, b"# caf\xe9\n") == []
    assert read_snippets(tmp_path / "nowhere.py", "nowhere") == []


def test_old_escapes_do_not_warn(tmp_path: Path) -> None:
    source = f'def add(everything):\n    """Add up everything that is given."""\n    pattern = "\\d"\n    {BODY}\n'
    assert len(snippets(tmp_path, source)) == 1
