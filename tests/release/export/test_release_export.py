from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sentence_transformers import SentenceTransformer

import embedtune.release.export.export as export_module
from embedtune.errors import ReleaseError
from embedtune.release import Contents, export_release

EVIDENCE = {"study.yaml": "name: rights\n", "scores.parquet": b"PAR1\x00"}


@pytest.fixture(scope="module")
def saved(tiny: SentenceTransformer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "checkpoint"
    tiny.save(str(folder), create_model_card=False)
    return folder


@pytest.fixture
def checkpoint(saved: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(saved, tmp_path / "checkpoint"))


def export(checkpoint: Path, target: Path, *, card: str = "# Card\n", overwrite: bool = False) -> Path:
    return export_release(Contents(checkpoint, card, EVIDENCE), target, overwrite=overwrite)


def listing(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_release_loads_with_sentence_transformers_alone(
    checkpoint: Path, tmp_path: Path, tiny: SentenceTransformer
) -> None:
    texts = ["one sentence", "another", "a third"]

    folder = export(checkpoint, tmp_path / "releases" / "mine")

    shutil.rmtree(checkpoint)
    model = SentenceTransformer(str(folder), device="cpu")
    assert model.encode(texts).shape == (3, 64)
    assert (model.encode(texts) == tiny.encode(texts)).all()
    assert SentenceTransformer(str(folder), device="cpu", truncate_dim=16).encode(texts).shape == (3, 16)


def test_release_holds_model_files_card_and_evidence_alone(checkpoint: Path, tmp_path: Path) -> None:
    for extra in ("README.md", "trainer_state.json", "onnx/model.onnx", ".git/config.json", "notes.txt"):
        (checkpoint / extra).parent.mkdir(exist_ok=True)
        (checkpoint / extra).write_text("not for a release")

    folder = export(checkpoint, tmp_path / "release", card="# Über\n")

    assert sorted(listing(folder)) == [
        "1_Pooling/config.json",
        "2_Normalize/config.json",
        "README.md",
        "config.json",
        "config_sentence_transformers.json",
        "evidence/checksums.txt",
        "evidence/scores.parquet",
        "evidence/study.yaml",
        "model.safetensors",
        "modules.json",
        "sentence_bert_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert (folder / "README.md").read_text(encoding="utf-8") == "# Über\n"
    assert (folder / "evidence/scores.parquet").read_bytes() == b"PAR1\x00"


def test_an_onnx_file_that_is_asked_for_has_its_place_and_its_checksum(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "judged").write_bytes(b"onnx")
    contents = Contents(checkpoint, "# Card", EVIDENCE, onnx=tmp_path / "judged")
    folder = export_release(contents, tmp_path / "release", overwrite=False)
    assert (folder / "onnx" / "model.onnx").read_bytes() == b"onnx"
    assert "  onnx/model.onnx\n" in (folder / "evidence" / "checksums.txt").read_text()


@pytest.mark.parametrize(
    "name",
    [
        "model-00001-of-00002.safetensors", "model.safetensors.index.json", "vocab.txt", "vocab.json", "merges.txt",
        "special_tokens_map.json", "added_tokens.json", "sentencepiece.bpe.model", "spiece.model",
        "3_Dense/model.safetensors", "3_Dense/config.json", "sentence_xlm-roberta_config.json",
    ],
)  # fmt: skip
def test_release_takes_the_files_of_other_models(checkpoint: Path, tmp_path: Path, name: str) -> None:
    (checkpoint / name).parent.mkdir(exist_ok=True)
    (checkpoint / name).write_text("part of a model")

    assert (export(checkpoint, tmp_path / "release") / name).read_text() == "part of a model"


def test_checksums_cover_every_file_and_sha256sum_agrees(checkpoint: Path, tmp_path: Path) -> None:
    folder = export(checkpoint, tmp_path / "release")

    lines = (folder / "evidence/checksums.txt").read_text().splitlines()
    assert sorted(line[66:] for line in lines) == sorted(set(listing(folder)) - {"evidence/checksums.txt"})
    check = ["sha256sum", "--check", "--strict", "--quiet", "evidence/checksums.txt"]
    assert subprocess.run(check, cwd=folder, capture_output=True, text=True, check=False).returncode == 0
    (folder / "config.json").write_text("{}")
    assert subprocess.run(check, cwd=folder, capture_output=True, text=True, check=False).returncode == 1


@pytest.mark.parametrize("name", ["pytorch_model.bin", "training_args.BIN", "optimizer.pt", "x.pkl", "1_Pooling/m.py"])
def test_pickles_and_code_are_refused_by_name(checkpoint: Path, tmp_path: Path, name: str) -> None:
    (checkpoint / name).write_bytes(b"\x80\x04.")

    with pytest.raises(ReleaseError, match=f"must hold no file that runs code when loaded, but got {name}"):
        export(checkpoint, tmp_path / "release")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint"]


def test_checkpoint_without_a_model_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    (checkpoint / "model.safetensors").unlink()
    with pytest.raises(ReleaseError, match=r"must hold modules\.json and safetensors weights, but got 1_Pooling"):
        export(checkpoint, tmp_path / "release")
    with pytest.raises(ReleaseError, match=r"but got no file\. Check that the trial kept its weights"):
        export(tmp_path / "nowhere", tmp_path / "release")


@pytest.mark.parametrize("name", ["../README.md", "/etc/passwd", "a/b.txt", ".hidden", "x.pkl", "checksums.txt", ""])
def test_evidence_must_have_plain_names(checkpoint: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ReleaseError, match="evidence must have plain file names"):
        export_release(Contents(checkpoint, "", {name: "x"}), tmp_path / "release", overwrite=False)

    assert not (tmp_path / "release").exists()


def test_what_does_not_pass_takes_no_place(checkpoint: Path, tmp_path: Path) -> None:
    target = export(checkpoint, tmp_path / "release", card="first")
    before, seen = listing(target), []

    def verify(folder: Path) -> None:
        seen.extend(listing(folder))
        raise ReleaseError("it scores otherwise")

    with pytest.raises(ReleaseError, match="it scores otherwise"):
        export_release(Contents(checkpoint, "second", EVIDENCE), target, overwrite=True, verify=verify)

    assert sorted(seen) == sorted(before)
    assert listing(target) == before
    assert (target / "README.md").read_text() == "first"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "release"]


def test_existing_release_is_kept_unless_told_otherwise(checkpoint: Path, tmp_path: Path) -> None:
    target = export(checkpoint, tmp_path / "release", card="first")
    before = listing(target)

    with pytest.raises(ReleaseError, match=r"release .* must not exist yet.* release\.overwrite=true"):
        export(checkpoint, target, card="second")

    assert listing(target) == before


def test_overwrite_replaces_the_whole_release(checkpoint: Path, tmp_path: Path) -> None:
    target = export(checkpoint, tmp_path / "release", card="first")
    (target / "left over.txt").write_text("of the first")

    export(checkpoint, target, card="second", overwrite=True)

    assert (target / "README.md").read_text() == "second"
    assert not (target / "left over.txt").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "release"]


def test_overwrite_without_an_earlier_release_writes_one(checkpoint: Path, tmp_path: Path) -> None:
    assert (export(checkpoint, tmp_path / "release", overwrite=True) / "README.md").is_file()


def test_overwrite_never_removes_what_is_no_release(checkpoint: Path, tmp_path: Path) -> None:
    precious = tmp_path / "src"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    link = tmp_path / "link"
    link.symlink_to(export(checkpoint, tmp_path / "release"))
    file = tmp_path / "file"
    file.touch()

    for target in (precious, link, file):
        with pytest.raises(ReleaseError, match="must be an earlier release to be replaced"):
            export(checkpoint, target, overwrite=True)

    assert (precious / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("stop")])
def test_interrupted_export_leaves_the_old_release(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    target = export(checkpoint, tmp_path / "release", card="first")
    before = listing(target)

    def interrupted(_: Path) -> str:
        raise error

    monkeypatch.setattr(export_module, "_checksums", interrupted)
    with pytest.raises(type(error)):
        export(checkpoint, target, card="second", overwrite=True)
    with pytest.raises(type(error)):
        export(checkpoint, tmp_path / "other")

    assert listing(target) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "release"]


def test_failed_last_rename_puts_the_old_release_back(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = export(checkpoint, tmp_path / "release", card="first")
    before = listing(target)
    rename = os.rename

    def refuse_the_new_one(source: Path, destination: Path) -> None:
        if source.name.endswith("partial"):
            raise OSError("disk says no")
        rename(source, destination)

    monkeypatch.setattr(os, "rename", refuse_the_new_one)
    with pytest.raises(ReleaseError, match=r"release must be written to .*, but got disk says no\."):
        export(checkpoint, target, card="second", overwrite=True)

    assert listing(target) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "release"]


def test_folder_that_cannot_be_made_is_one_error(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ReleaseError, match="release must be written to"):
        export(checkpoint, tmp_path / "file" / "release")


def test_release_in_a_folder_with_a_space_and_an_umlaut(checkpoint: Path, workdir: Path) -> None:
    folder = export(checkpoint, Path("releases") / "mine")

    assert folder == Path("releases") / "mine"
    assert (workdir / "releases" / "mine" / "README.md").is_file()


def test_import_loads_no_model_library() -> None:
    heavy = "{'torch', 'sentence_transformers', 'transformers', 'mlflow'}"
    code = f"import sys, embedtune.release; print({heavy} & set(sys.modules))"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"


def test_a_link_to_a_file_of_the_system_is_not_exported(checkpoint: Path, tmp_path: Path) -> None:
    for place in ("tokenizer.json", "notes.txt", "1_Pooling/vocab.txt"):
        file = checkpoint / place
        before = file.read_bytes() if file.is_file() else None
        file.unlink(missing_ok=True)
        file.symlink_to("/etc/passwd")
        with pytest.raises(ReleaseError, match="must hold regular files alone") as caught:
            export(checkpoint, tmp_path / "release")
        assert str(file) in str(caught.value)
        assert not (tmp_path / "release").exists()
        file.unlink()
        if before is not None:
            file.write_bytes(before)
    assert export(checkpoint, tmp_path / "release").is_dir()
