"""The documents of a folder: which files are read, and their texts in sections."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from embedtune.data.drafts import Notes, listed
from embedtune.data.readers.boundary import Unreadable, boundary
from embedtune.data.readers.regular_file import read_text
from embedtune.generation.sections import Section, sections_of

TEXTS = (".txt", ".text", ".md", ".markdown", ".html", ".htm", ".xhtml")
PDF = ".pdf"
_LARGEST_PDF = 256 * 2**20


@dataclass(frozen=True)
class Document:
    """One file.

    Attributes:
        file: Relative to the folder, with slashes.
        sections: Those that have a text.
    """

    file: str
    sections: tuple[Section, ...]


def read_documents(root: Path, notes: Notes) -> list[Document]:
    """Every document of a folder and the folders in it, or the one file, by name.

    Hidden files and folders are passed over, and links to folders are not followed; all else that is not read is noted
    as a warning, and what cannot be read as a problem.
    """
    documents, unread, empty = [], [], []
    for path in _files(root):
        file = path.relative_to(root).as_posix() if root.is_dir() else path.name
        ending = path.suffix.lower()
        if ending not in (*TEXTS, PDF):
            unread.append(file)
            continue
        with boundary(str(path), notes):
            text = _pdf(path) if ending == PDF else read_text(path)
            sections = tuple(sections_of(text, ending))
            documents.append(Document(file, sections))
            if not sections:
                empty.append(file)
    if unread:
        notes.warnings.append(f"{root} has files that are not read: {listed(unread)}.")
    if empty:
        why = ", such as scanned pages" if any(file.lower().endswith(PDF) for file in empty) else ""
        notes.warnings.append(f"{root} has files without any text{why}: {listed(empty)}.")
    return documents


def _files(root: Path) -> Iterator[Path]:
    if not root.is_dir():
        yield root
        return
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder) / name for name in sorted(files) if not name.startswith("."))


def _pdf(path: Path) -> str:
    """The text of the pages, as the library finds it.

    Raises:
        Unreadable: The library is missing, or cannot read the file.
    """
    import logging

    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ImportError as error:
        message = f"{path} must be read by pypdf, but it is not installed. Run: pip install 'embedtune[pdf]'"
        raise Unreadable("pdf", message) from error
    if path.stat().st_size > _LARGEST_PDF:
        raise Unreadable("pdf", f"{path} must have at most 256 MiB, but got more. Divide it.")
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it warns of each oddity
    try:
        return "\n\n".join(page.extract_text() for page in PdfReader(path).pages)
    except (PyPdfError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        message = f"{path} must be a PDF that can be read, but got: {reason}. Save it again, or remove it."
        raise Unreadable("pdf", message) from error
