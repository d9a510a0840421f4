"""The command ``generate`` through the command line, against a server that speaks the chat completions protocol."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

KEY = "sk-very-secret-123"
THINGS = ("harbour", "lantern", "orchard", "granite", "violin", "meadow", "compass", "kettle", "falcon", "ribbon")

Reply = tuple[int, dict[str, str], bytes]
Script = Callable[[int, str], Reply | None]
"""Number of the request and its passage -> what is replied; None for questions."""


class StandIn(ThreadingHTTPServer):
    """Answers with a question about the first word of a passage, unless its script says otherwise."""

    daemon_threads = True

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.asked: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.keys: set[str | None] = set()
        self.at_once = self.most = 0
        self.lock = threading.Lock()

    def handle_error(self, *_: object) -> None:
        """A client that did not wait for its answer is no news."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: StandIn

    def do_POST(self) -> None:
        own = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        passage = body["messages"][-1]["content"].split("\n")[1]
        with own.lock:
            own.asked.append(body)
            own.paths.append(self.path)
            own.keys.add(self.headers["Authorization"])
            own.at_once += 1
            own.most = max(own.most, own.at_once)
            number = len(own.asked)
        status, headers, content = own.script(number, passage) or questions(passage)
        with own.lock:
            own.at_once -= 1
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def questions(passage: str) -> Reply:
    word = next((thing for thing in THINGS if thing in passage), passage.split()[-1])
    return completion(json.dumps([{"question": f"Where would one see {word} stand?", "answer": "at the sea"}]))


def completion(content: str) -> Reply:
    return 200, {}, json.dumps({"choices": [{"message": {"content": content}}]}).encode()


@contextmanager
def standing_in(script: Script = lambda number, passage: None) -> Iterator[StandIn]:
    with StandIn(script) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def documents(workdir: Path) -> Path:
    """Twelve sections in three files, a folder below, and files that are none."""
    folder = workdir / "my docs"
    (folder / "below").mkdir(parents=True)
    texts = [f"## About {name} things\nThe {name}{i} is kept where number {i} of the old {name} stands, at the sea.\n"
             for i, name in enumerate(THINGS)]  # fmt: skip
    (folder / "a.md").write_text("# Things\n" + "".join(texts[:5]), encoding="utf-8")
    (folder / "below" / "b.md").write_text("".join(texts[5:]), encoding="utf-8")
    (folder / "c.html").write_text("<h1>Page</h1><p>The pages here are of no interest to anybody at all, really.</p>")
    (folder / "d.txt").write_text("The plain text has no heading and is kept as it always was.")
    (folder / ".hidden.md").write_text("The hidden text is passed over, as hidden files always are here.")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    return folder


USUAL = ("model=tiny", "generate.top=null", "format=json", "generate.out=written")


def line(*more: str) -> list[str]:
    return ["generate", "data.path='my docs'", *USUAL, *more]


def asking(server: StandIn, *more: str) -> list[str]:
    return line(f"generate.url={server.url}", "generate.model=stand-in", *more)


def rows(file: Path) -> list[Any]:
    return [json.loads(text) for text in file.read_text(encoding="utf-8").splitlines()]


def everything(folder: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file())


def test_documents_become_a_data_set_that_says_it_is_synthetic(typed: Any, documents: Path, workdir: Path) -> None:
    result = typed(*line("generate.method=extract"))
    assert result.status == 0, result.err
    assert "picture.png" in result.err
    counts = result.json["counts"]
    assert (counts["documents"], counts["passages"]) == (4, 12)
    places = {own["id"]: own for own in rows(workdir / "written" / "passages.jsonl")}
    assert {own["file"] for own in places.values()} == {"a.md", "below/b.md", "c.html", "d.txt"}
    for split in ("train", "validation", "test"):
        judged = (workdir / "written" / "qrels" / f"{split}.tsv").read_text(encoding="utf-8").splitlines()[1:]
        assert {places[own.split("\t")[1]]["split"] for own in judged} == {split}
    assert not (workdir / "written.partial").exists()

    again = typed(*line("generate.method=extract"))
    assert (again.status, again.json["was_there"]) == (0, True)
    other = typed(*line("generate.method=extract", "generate.per_passage=3"))
    assert other.status == 2
    assert "these differ: per_passage" in other.err

    described = typed("data", "data=files", "data.path=written", "model=tiny", "format=json", "data.baselines=none")
    assert described.status == 0, described.err
    expected = {"method": "extract", "model": None, "splits": ["train", "validation", "test"]}
    assert described.json["synthetic"] == expected
    assert any("are synthetic (extracted" in warning for warning in described.json["warnings"])


def test_a_server_is_asked_with_patience_and_its_key_stays_secret(
    typed: Any, documents: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    soon = {"Retry-After": "0"}
    script: dict[int, Reply] = {
        1: (429, soon, b'{"error": {"message": "slow down"}}'),
        2: (500, soon, b"oops"),
        3: (503, soon, b""),
    }
    with standing_in(lambda number, passage: script.get(number)) as server:
        result = typed(*asking(server, "generate.key_env=MY_KEY", "generate.concurrency=2", "--debug"))
    assert result.status == 0, result.err
    assert server.keys == {f"Bearer {KEY}"}
    assert server.most <= 2
    assert len(server.asked) == 12 + 3
    assert set(server.paths) == {"/v1/chat/completions"}
    assert result.json["counts"]["queries"] == {"train": 10, "validation": 1, "test": 1}
    assert KEY not in result.out + result.err + everything(workdir / "written")


def test_what_was_answered_is_not_asked_again(typed: Any, documents: Path, workdir: Path) -> None:
    with standing_in(lambda number, _: None if number <= 5 else (500, {"Retry-After": "0"}, b"")) as server:
        result = typed(*asking(server, "generate.concurrency=1", "generate.attempts=2"))
    assert (result.status, result.out, len(server.asked)) == (1, "", 7)
    assert "the same command goes on" in result.err
    assert not (workdir / "written").exists()
    answers = workdir / "written.partial" / "answers.jsonl"
    with answers.open("a", encoding="utf-8") as file:
        file.write('{"passage": "torn')  # as a process that was killed leaves it
    with standing_in() as server:
        changed = typed(*asking(server, "generate.per_passage=5"))
        assert (changed.status, len(server.asked)) == (2, 0)
        result = typed(*asking(server))
    assert result.status == 0, result.err
    assert len(server.asked) == 12 - 5
    assert result.json["counts"]["unanswered"] == 0


def test_answers_of_no_use_cost_their_passage_alone(typed: Any, documents: Path) -> None:
    def script(_: int, passage: str) -> Reply | None:
        if "harbour" in passage:
            return 200, {}, b"{malformed"
        return completion("I cannot help with that.") if "lantern" in passage else None

    with standing_in(script) as server:
        result = typed(*asking(server, "generate.concurrency=1", "generate.attempts=1"))
    assert result.status == 0, result.err
    assert result.json["counts"]["unanswered"] == 2


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ((401, {}, b'{"error": {"message": "sk-very-secret-123?"}}'), "generate.key_env, but got status 401: ***?"),
        ((404, {}, b""), "generate.model, but got status 404"),
        ((307, {"Location": "http://elsewhere.invalid/"}, b""), "it sends elsewhere"),
        ((400, {}, b"no"), "take a request of the chat completions protocol, but got status 400: no"),
    ],
)  # fmt: skip
def test_what_no_patience_helps_against_is_wrong_input(
    typed: Any, documents: Path, monkeypatch: pytest.MonkeyPatch, reply: Reply, message: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with standing_in(lambda *_: reply) as server:
        result = typed(*asking(server, "generate.concurrency=1"))
    assert (result.status, len(server.asked)) == (2, 1)
    assert message in result.err
    assert KEY not in result.err
    assert "Traceback" not in result.err


def test_a_server_that_does_not_answer_is_given_up(typed: Any, documents: Path) -> None:
    def slow(*_: object) -> None:
        time.sleep(0.5)

    with standing_in(slow) as server:
        result = typed(*asking(server, "generate.timeout=0.1", "generate.attempts=1"))
    assert result.status == 1
    assert "no answer within 0.1 seconds" in result.err
    result = typed(*line(f"generate.url={server.url}", "generate.model=gone", "generate.attempts=1"))
    assert result.status == 1
    assert "no connection" in result.err


def test_requests_keep_their_distance(typed: Any, documents: Path) -> None:
    times: list[float] = []
    with standing_in(lambda *_: times.append(time.monotonic())) as server:
        result = typed(*asking(server, "generate.requests_per_minute=1200", "generate.concurrency=8"))
    assert result.status == 0, result.err
    assert times[-1] - times[0] >= 11 * 0.05 - 0.03


def test_every_wrong_key_is_told_at_once(typed: Any, workdir: Path) -> None:
    result = typed("generate", "model=tiny")
    assert result.status == 2
    assert all(f"{key} must be given" in result.err for key in ("data.path", "generate.url", "generate.model"))
    wrong = (
        "generate.key_env=sk-live-1",
        "generate.url='http://me:pass@host/v1'",
        "generate.overlap_tokens=200",
        "generate.top=0",
    )
    result = typed("generate", *wrong)
    assert result.status == 2
    assert all(f"{word.partition('=')[0]} must" in result.err for word in wrong)
    assert "sk-live-1" not in result.err
    assert "pass@" not in result.err


def test_a_folder_of_somebody_else_is_left_alone(typed: Any, documents: Path, workdir: Path) -> None:
    (workdir / "written").mkdir()
    result = typed(*line("generate.method=extract"))
    assert result.status == 2
    assert "which is none that generate made" in result.err
    assert list((workdir / "written").iterdir()) == []
