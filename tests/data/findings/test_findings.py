"""One data set with a fault of every kind: each is found, with its place, in one run; nothing is trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from embedtune.config import DataConfig
from embedtune.data import inspect_task
from embedtune.data.findings import Finding, examine, findings_of
from embedtune.data.findings.batches import conflicts, expected_false_negatives
from embedtune.records import TrainingSet

LONG = "the keeper of the northern lighthouse writes down every evening which ships have passed before the storm"
GERMAN = [
    "Der Wärter schreibt jeden Abend auf, welche Schiffe vor dem Sturm vorbeigefahren sind.",
    "Am nächsten Morgen liest er noch einmal, was er in der Nacht geschrieben hat.",
]
BOILERPLATE = "Copyright reserved worldwide:"


def lines(*values: Any) -> str:
    return "\n".join(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values)


def passage(number: int, text: Any) -> dict[str, Any]:
    return {"_id": f"d{number}", "text": text}


def query(number: int, text: Any) -> dict[str, Any]:
    return {"_id": f"q{number}", "text": text}


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    english = [
        f"{BOILERPLATE} in the year number {n} a ship came into the harbour with {n * 7} lamps" for n in range(6)
    ]
    corpus = [
        *(passage(number, text) for number, text in enumerate(english)),
        passage(6, LONG), passage(7, f"{LONG}."),               # nearly the same
        passage(8, "the very same passage"), passage(9, "the very same passage"),
        passage(10, "a bell\x07 rings"),                         # control character
        passage(11, "the cafÃ© is open"),                        # damaged encoding
        passage(12, "<p>a paragraph</p> of text"),               # markup
        passage(13, GERMAN[0]), passage(14, GERMAN[1]),          # another language
        passage(15, ""),                                         # relevant and empty
        passage(16, "plain answer"), passage(3, "an id again"),
        passage(17, 42),                                         # no text
        '{"_id": "d18", "text": "torn',                          # no JSON
        passage(19, "who asks for its own words"),
    ]  # fmt: skip
    queries = [
        query(0, "which ship came first"), query(1, "which ship came first"),    # repeated
        query(2, "who rings"), query(3, "   "),                                   # empty
        query(4, "what is open"), query(5, "nobody answers this"),
        query(6, "who asks for its own words"), query(7, "asked in two splits"),
        query(8, "asked in two splits"), query(9, "which passage is it then"),
    ]  # fmt: skip
    train = [
        "q0\td0\t1", "q1\td1\t1", "q2\td10\t1", "q3\td16\t1", "q6\td19\t1", "q7\td6\t1", "q7\td6\t1",
        "q4\td11\t1", "q9\td15\t1", "q2\tnowhere\t1", "nobody\td1\t1", "q9\td16\t1", "q9\td16\t0", "torn line",
    ]  # fmt: skip
    test = ["q8\td7\t1", "q5\td2\t1", "q0\td0\t1"]
    (tmp_path / "qrels").mkdir()
    for name, content in {
        "corpus.jsonl": lines(*corpus), "queries.jsonl": lines(*queries),
        "qrels/train.tsv": lines(*train), "qrels/test.tsv": lines(*test),
    }.items():  # fmt: skip
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def found_in(folder: Path) -> dict[str, list[Finding]]:
    report = inspect_task(DataConfig(name="faulty", source="files", path=str(folder)))
    assert report.task is None
    found: dict[str, list[Finding]] = {}
    for finding in (*findings_of(report.found, report.warnings), *examine(report.splits, report.extra, None)):
        found.setdefault(finding.kind, []).append(finding)
    return found


PLANTED = {
    "passage texts of {}/corpus.jsonl that must be text": "{}/corpus.jsonl:19 passage 'd17'",
    "query texts of {}/queries.jsonl that must not be empty": "{}/queries.jsonl:4 query 'q3'",
    "repeated ids in {}/corpus.jsonl": "{}/corpus.jsonl:18",
    "unknown passages in {}/qrels/train.tsv": "{}/qrels/train.tsv:10 relevance of 'q2'",
    "unknown queries in {}/qrels/train.tsv": "{}/qrels/train.tsv:11 relevance of 'nobody'",
    "contradictions in {}/qrels/train.tsv": "{}/qrels/train.tsv:13",
    "lines of {}/qrels/train.tsv that are not judgements": "{}/qrels/train.tsv:14",
    "control_characters": "{}/corpus.jsonl:11 passage 'd10'",
    "damaged_encoding": "{}/corpus.jsonl:12 passage 'd11'",
    "markup": "{}/corpus.jsonl:13 passage 'd12'",
    "boilerplate": "{}/corpus.jsonl:1 passage 'd0'",
    "answer_is_query": "{}/qrels/train.tsv:5 relevance of 'q6'",
    "repeated_passages": "{}/corpus.jsonl:10 passage 'd9'",
    "repeated_queries": "{}/queries.jsonl:2 query 'q1'",
    "near_duplicate_passages": "{}/corpus.jsonl:8 passage 'd7'",
    "languages": "{}/corpus.jsonl:14 passage 'd13'",
    "leaked_queries": "{}/qrels/train.tsv:1 relevance of 'q0'",
    "leaked_passages": "{}/qrels/train.tsv:1 relevance of 'q0'",
    "near_leaked_passages": "{}/qrels/train.tsv:6 relevance of 'q7'",
}
"""Kind -> where it is said to be."""


def test_every_planted_fault_is_found_with_its_place(faulty: Path) -> None:
    found = found_in(faulty)
    missing = [kind for kind in PLANTED if kind.format(faulty) not in found]
    assert missing == [], sorted(found)
    for kind, place in PLANTED.items():
        findings = found[kind.format(faulty)]
        said = [*(finding.message for finding in findings), *(str(p) for own in findings for p in own.places)]
        assert any(place.format(faulty) in text for text in said), (kind, said)
    torn = [
        f for findings in found.values() for f in findings if f.message.startswith(f"{faulty / 'corpus.jsonl'}:20 ")
    ]
    assert [finding.severity for finding in torn] == ["error"]


def test_a_finding_for_json_has_file_line_and_id(faulty: Path) -> None:
    (finding,) = found_in(faulty)["control_characters"]
    assert finding.to_dict() == {
        "kind": "control_characters",
        "severity": "warning",
        "message": finding.message,
        "count": 1,
        "places": [{"file": str(faulty / "corpus.jsonl"), "line": 11, "id": "d10"}],
    }


def test_clean_rows_have_no_findings(tmp_path: Path) -> None:
    verbs = ("finds", "keeps", "turns", "cleans", "paints", "opens", "closes", "moves")
    rows = [{"anchor": f"who {verb} it", "positive": f"{verb} is what {n} of them do"} for n, verb in enumerate(verbs)]
    (tmp_path / "rows.jsonl").write_text(lines(*rows))
    report = inspect_task(DataConfig(name="clean", source="files", path=str(tmp_path / "rows.jsonl")))
    assert list(examine(report.splits, report.extra, None)) == []


def test_conflicts_are_counted_as_by_hand() -> None:
    training = TrainingSet("t", {"anchor": ("a", "a", "b", "c"), "positive": ("p", "q", "p", "r")})
    # Row 0 and 1 answer each other's anchor; rows 0 and 2 share p, which also answers the anchor of row 1.
    by_hand = sum(
        training.columns["positive"][other]
        in {p for a, p in zip(*training.columns.values(), strict=True) if a == anchor}
        for row, anchor in enumerate(training.columns["anchor"])
        for other in range(4)
        if other != row
    )
    assert conflicts(training) == by_hand == 5
    assert expected_false_negatives(training, [2, 4, 8]) == pytest.approx({2: 2 * 5 / 12, 4: 5.0})
    assert expected_false_negatives(TrainingSet("one", {"anchor": ("a",), "positive": ("p",)}), [1, 2]) == {1: 0.0}
