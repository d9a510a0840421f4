from __future__ import annotations

import os
from pathlib import Path

from embedtune.data.drafts import Notes
from embedtune.generation.documents import read_documents
from embedtune.generation.sections import Section


def pdf(text: str) -> bytes:
    """A page with one line of text."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /MediaBox [0 0 612 792]"
        b" /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
    )
    content, places = b"%PDF-1.4\n", []
    for number, own in enumerate(objects, start=1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, own)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(content))
    return content + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + trailer


def test_documents_of_every_kind_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.txt").write_text("hidden")
    (tmp_path / "b" / "Ä.MD").write_text("# Head\ntext", encoding="utf-8")
    (tmp_path / "a.pdf").write_bytes(pdf("Printed text"))
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "x.docx").write_text("no")
    os.symlink(tmp_path, tmp_path / "b" / "loop")
    notes = Notes()
    found = {own.file: own.sections for own in read_documents(tmp_path, notes)}
    assert found == {
        "a.pdf": (Section((), "Printed text"),),
        "empty.txt": (),
        "b/Ä.MD": (Section(("Head",), "text"),),
    }
    assert notes.problems == []
    assert [warning.partition(" has ")[2] for warning in notes.warnings] == [
        "files that are not read: x.docx.",
        "files without any text: empty.txt.",
    ]


def test_what_cannot_be_read_is_told_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.4\nbroken")
    (tmp_path / "c.md").write_bytes(b"a\0b")
    os.mkfifo(tmp_path / "d.txt")
    (tmp_path / "e.md").symlink_to("gone.md")
    notes = Notes()
    assert read_documents(tmp_path, notes) == []
    assert [Path(problem.message.split(" must ")[0].partition(":")[0]).name for problem in notes.problems] == [
        "a.txt", "b.pdf", "c.md", "d.txt", "e.md",
    ]  # fmt: skip


def test_one_file_is_a_folder_of_one(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    assert [own.file for own in read_documents(tmp_path / "a.txt", Notes())] == ["a.txt"]
