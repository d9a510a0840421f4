"""Documented functions, methods and classes of one Python source file."""

from __future__ import annotations

import ast
import re
import textwrap
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_CHARACTERS = 480
"""A longer passage is cut at the end of a line: models read about 256 tokens of it."""

MIN_CHARACTERS = 80
"""Shorter code says no more than its name."""

_WORDS = range(4, 31)
_SIGNATURE = re.compile(r"[\w.]+\(")
_SENTENCE_END = re.compile(r"\.(?=\s+[A-Z]|$)")

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Snippet:
    """One definition: the first sentence of its docstring and its source without any docstring."""

    module: str
    line: int
    summary: str
    code: str


def read_snippets(path: Path, module: str) -> list[Snippet]:
    """The snippets of a file in order; none where it cannot be parsed."""
    try:
        with tokenize.open(path) as stream:
            source = stream.read()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old code has escapes that are no longer proper
            tree = ast.parse(source)
    except (SyntaxError, UnicodeDecodeError, OSError):
        return []
    return list(_innermost(tree, source.split("\n"), module))


def summary(docstring: str) -> str | None:
    """The first sentence, or None where it is too short, too long or no prose."""
    paragraph = " ".join(docstring.strip().split("\n\n")[0].split())
    end = _SENTENCE_END.search(paragraph)
    sentence = paragraph[: end.start() + 1] if end else paragraph
    prose = sentence[:1].isalpha() and not _SIGNATURE.match(sentence)
    return sentence if prose and len(sentence.split()) in _WORDS else None


def _innermost(node: ast.AST, lines: list[str], module: str) -> Iterator[Snippet]:
    """Snippets below a node. What contains another snippet is none: its code would answer both."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):  # holds no definition
            continue
        inner = list(_innermost(child, lines, module))
        if inner or not isinstance(child, _Definition):
            yield from inner
            continue
        snippet = _snippet(child, lines, module)
        if snippet:
            yield snippet


def _snippet(node: _Definition, lines: list[str], module: str) -> Snippet | None:
    docstring = ast.get_docstring(node)
    text = summary(docstring) if docstring else None
    if text is None or len(node.body) < 2:
        return None
    code = _code(node, lines)
    return Snippet(module, node.lineno, text, code) if len(code) >= MIN_CHARACTERS else None


def _code(node: _Definition, lines: list[str]) -> str:
    """The lines of a definition with its decorators, without docstrings and blank lines."""
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    skipped = {line for docstring in _docstrings(node, lines) for line in range(docstring.lineno, _end(docstring) + 1)}
    kept = [lines[line - 1].rstrip() for line in range(first, _end(node) + 1) if line not in skipped]
    code = textwrap.dedent("\n".join(line for line in kept if line))
    return code if len(code) <= MAX_CHARACTERS else code[: MAX_CHARACTERS + 1].rpartition("\n")[0]


def _docstrings(node: _Definition, lines: list[str]) -> Iterator[ast.stmt]:
    """Docstrings at any depth that have their lines for themselves."""
    for child in ast.walk(node):
        if isinstance(child, _Definition) and ast.get_docstring(child, clean=False) is not None:
            docstring = child.body[0]
            if not lines[docstring.lineno - 1][: docstring.col_offset].strip():
                yield docstring


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno
