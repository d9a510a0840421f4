"""Uploading a release: the real client of the hub against a stand-in that speaks the hub's HTTP on 127.0.0.1."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from embedtune.errors import ReleaseError
from embedtune.records import RetrievalSet
from embedtune.release.export.hub import TOKEN, push_problems, push_to_hub

SECRET = "hf_geheim123"
PUSH = (
    "import sys; from pathlib import Path; from embedtune.errors import ReleaseError; "
    "from embedtune.release.export.hub import push_to_hub\n"
    "try: print(push_to_hub(Path(sys.argv[1]), 'team/rights', message='Release rights'))\n"
    "except ReleaseError as error: sys.exit(str(error))"
)


@dataclass
class Hub:
    """What the stand-in was told.

    Attributes:
        files: Path in the repository -> content, as of the last commit.
        objects: sha256 -> content of a large file.
        created: The bodies of requests to make a repository.
        refuse: Status it answers every request with, if any.
        tokens: Every ``Authorization`` seen by the hub itself.
    """

    root: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    created: list[dict[str, Any]] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)
    refuse: int | None = None


class Handler(BaseHTTPRequestHandler):
    """The requests of one upload, as https://huggingface.co answers them."""

    hub: Hub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.hub.tokens.add(self.headers["Authorization"])
        if self.hub.refuse:
            return self.answer({"error": f"no {self.headers['Authorization']}"}, self.hub.refuse)
        path = self.path.partition("?")[0]
        if path == "/api/validate-yaml":
            return self.answer({"errors": [], "warnings": []})
        if path == "/api/repos/create":
            known = bool(self.hub.created)
            self.hub.created.append(json.loads(body))
            return self.answer({"url": f"{self.hub.root}/team/rights"}, 409 if known else 200)
        if path == "/api/models/team/rights/preupload/main":
            return self.answer({"files": [self.mode(file) for file in json.loads(body)["files"]]})
        if path == "/team/rights.git/info/lfs/objects/batch":
            objects = [self.upload(item) for item in json.loads(body)["objects"]]
            return self.answer({"transfer": "basic", "objects": objects})
        if path == "/api/models/team/rights/commit/main":
            return self.commit([json.loads(line) for line in body.splitlines()])
        return self.answer({"error": f"unknown {path}"}, 404)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        oid = self.path.rpartition("/")[2]
        self.hub.objects[oid] = body
        self.answer({}, 200 if hashlib.sha256(body).hexdigest() == oid else 400)

    def mode(self, file: dict[str, Any]) -> dict[str, Any]:
        large = re.search(r"\.(safetensors|onnx|parquet)$", file["path"])
        return {"path": file["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}

    def upload(self, item: dict[str, Any]) -> dict[str, Any]:
        if item["oid"] in self.hub.objects:
            return item
        return item | {"actions": {"upload": {"href": f"{self.hub.root}/lfs/{item['oid']}", "header": {}}}}

    def commit(self, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                self.hub.commits.append(value["summary"])
            elif line["key"] == "file":
                self.hub.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.hub.files[value["path"]] = self.hub.objects[value["oid"]]
        self.answer({"commitUrl": f"{self.hub.root}/team/rights/commit/abc", "commitOid": "abc", "success": True})

    def answer(self, document: dict[str, Any], status: int = 200) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[Hub]:
    found = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": found}))
    found.root = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    release = tmp_path / "rights ü"
    for name, content in {
        "README.md": b"---\nlibrary_name: sentence-transformers\n---\n# \xc3\xbc",
        "modules.json": b"[]",
        "model.safetensors": b"\0" * 100_000,
        "1_Pooling/config.json": b"{}",
        "evidence/scores.parquet": b"PAR1",
    }.items():
        (release / name).parent.mkdir(parents=True, exist_ok=True)
        (release / name).write_bytes(content)
    return release


def push(folder: Path, hub: Hub) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the client reads its environment when it is imported."""
    environment = {
        **os.environ, "HF_ENDPOINT": hub.root, "HF_HUB_OFFLINE": "0", TOKEN: SECRET, "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }  # fmt: skip
    command = [sys.executable, "-c", PUSH, str(folder)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_a_release_is_uploaded_whole_and_twice_without_harm(folder: Path, hub: Hub) -> None:
    first = push(folder, hub)
    assert first.returncode == 0, first.stderr
    assert first.stdout.strip() == f"{hub.root}/team/rights/commit/abc"
    expected = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert hub.files == expected
    assert len(hub.objects) == 2
    assert hub.commits == ["Release rights"]
    assert hub.created[0]["name"] == "rights"
    assert hub.created[0]["organization"] == "team"
    assert hub.created[0].get("private") or hub.created[0].get("visibility") == "private"
    assert hub.tokens == {f"Bearer {SECRET}"}
    assert push(folder, hub).returncode == 0
    assert hub.files == expected


def test_a_refusal_names_the_folder_and_not_the_token(folder: Path, hub: Hub) -> None:
    hub.refuse = 401
    refused = push(folder, hub)
    assert refused.returncode == 1
    assert "must be a repository that takes the release, but team/rights did not (" in refused.stderr
    assert f"hf upload team/rights '{folder}'" in refused.stderr
    assert SECRET not in refused.stderr + refused.stdout
    assert "Traceback" not in refused.stderr


def test_without_a_token_nothing_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN, raising=False)
    assert push_problems(None) == []
    (problem,) = push_problems("team/rights")
    assert problem.startswith("release.push_to_hub must find a token that may write in HF_TOKEN, but it is not set.")
    monkeypatch.setenv(TOKEN, SECRET)
    assert push_problems("team/rights") == []


def test_without_network_the_release_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, SECRET)  # the tests are offline, so the client refuses at once
    with pytest.raises(ReleaseError, match=r"team/rights did not \(.*[Oo]ffline"):
        push_to_hub(folder, "team/rights", message="m")


@pytest.mark.slow
def test_the_command_exports_onnx_and_uploads_what_it_released(
    hub: Hub, workdir: Path, small_set: RetrievalSet
) -> None:
    task = {
        "questions": dict(small_set.queries),
        "relevant_contexts": {query: sorted(ids) for query, ids in small_set.relevant.items()},
        "corpus": dict(small_set.corpus),
    }
    for split in ("training", "val", "test"):
        (workdir / f"{split}.jsonl").write_text(json.dumps(task, ensure_ascii=False), encoding="utf-8")
    environment = {**os.environ, "HF_ENDPOINT": hub.root, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    small = ("model=tiny", "train.device=cpu", "train.precision=fp32", "train.learning_rate=1e-2", "train.epochs=2")

    def typed(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "embedtune", *arguments, "study.name=s", "format=json"]
        return subprocess.run(command, env=environment | more, capture_output=True, text=True, check=False)

    trained = typed("data=files", f"data.path={workdir}", *small)
    assert trained.returncode == 0, trained.stderr
    said = ("release.license=mit", "release.language=[en,de]", "release.gate=false")
    asked = ("release.onnx=int8", "release.push_to_hub=team/rights", *said)
    refused = typed("release", *asked, HF_TOKEN="")
    assert refused.returncode == 2
    assert "HF_TOKEN" in refused.stderr
    released = typed("release", *asked, HF_TOKEN=SECRET)
    assert released.returncode == 0, released.stderr + released.stdout
    document, folder = json.loads(released.stdout), workdir / "releases" / "s"
    assert document["hub"] == f"{hub.root}/team/rights/commit/abc"
    assert document["onnx"]["precision"] == "int8"
    assert set(document["onnx"]["metrics"]) == {"validation", "test"}
    assert hub.files == {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert {"onnx/model.onnx", "evidence/onnx.json", "README.md"} <= set(hub.files)
    assert hub.files["README.md"].decode().startswith("---\nlanguage:\n- en\n- de\nlicense: mit\n")
    assert all(SECRET not in p.read_text(errors="replace") for p in workdir.rglob("*") if p.is_file())
    (code,) = re.findall(r"```python\n(import onnxruntime.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    usage = [sys.executable, "-c", f"sentences = ['one', 'two words']\n{code}"]
    shown = subprocess.run(usage, cwd=folder.parent, env=environment, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\(2, \d+, 64\)", shown.stdout.strip())
    nothing = typed("rollback", "release.name=s")
    assert nothing.returncode == 1
    assert "must be a registered model with a previous champion, but got s, which has none" in nothing.stderr
    assert typed("release", "release.overwrite=true", "release.gate=false").returncode == 0
