"""Loading models: the packaged one, the random one, folders; and what is refused."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer

from embedtune.config import ModelConfig
from embedtune.errors import ModelError
from embedtune.models.dimension import known_dimension
from embedtune.models.load import MINILM_PACKAGE, load_model, model_location, packaged_minilm
from embedtune.models.tiny import TINY_DIM

TEXTS = ["", "a", "The harbour.", "line\u2028break, café №7 \U0001f600", "word " * 200]


@pytest.fixture
def uncached() -> Iterator[None]:
    """The packaged model is looked up again, now and after the test."""
    packaged_minilm.cache_clear()
    yield
    packaged_minilm.cache_clear()


@pytest.fixture
def saved_tiny(tiny: SentenceTransformer, tmp_path: Path) -> Path:
    folder = tmp_path / "wörk dir" / "model"
    tiny.save_pretrained(str(folder))
    return folder


def install_minilm(site: Path, weights: bytes | None) -> None:
    """What an installer leaves of the package: its metadata, and a model folder unless ``weights`` is None."""
    metadata = site / f"{MINILM_PACKAGE.replace('-', '_')}-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {MINILM_PACKAGE}\nVersion: 0.1.0\n")
    (metadata / "RECORD").write_text("some_package/model/model.safetensors,,\n")
    if weights is not None:
        folder = site / "some_package" / "model"
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(weights)


def test_tiny_is_the_same_at_every_call(tiny: SentenceTransformer) -> None:
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    other = load_model(ModelConfig(name="tiny"), "cpu")
    assert torch.equal(torch.random.get_rng_state(), state)
    for (name, value), (other_name, other_value) in zip(
        tiny.state_dict().items(), other.state_dict().items(), strict=True
    ):
        assert name == other_name
        assert torch.equal(value, other_value)


def test_tiny_models_share_no_weights(tiny: SentenceTransformer) -> None:
    other = load_model(ModelConfig(name="tiny"), "cpu")
    before = tiny.encode(TEXTS)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    assert (tiny.encode(TEXTS) == before).all()


def test_tiny_gives_distinct_vectors_of_length_1(tiny: SentenceTransformer) -> None:
    embeddings = tiny.encode(TEXTS, convert_to_tensor=True)
    assert embeddings.shape == (len(TEXTS), TINY_DIM)
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(len(TEXTS)))
    assert len(torch.unique(embeddings, dim=0)) == len(TEXTS)


def test_saved_folder_loads_to_the_same_embeddings(tiny: SentenceTransformer, saved_tiny: Path) -> None:
    loaded = load_model(ModelConfig(name=str(saved_tiny)), "cpu")
    assert (loaded.encode(TEXTS) == tiny.encode(TEXTS)).all()


def test_weights_saved_in_half_precision_load_in_fp32(saved_tiny: Path) -> None:
    load_model(ModelConfig(name=str(saved_tiny)), "cpu").bfloat16().save_pretrained(str(saved_tiny))
    loaded = load_model(ModelConfig(name=str(saved_tiny)), "cpu")
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}


@pytest.mark.parametrize(("asked", "found"), [(None, 64), (16, 16)])
def test_max_seq_length_is_that_of_the_model_unless_given(asked: int | None, found: int) -> None:
    assert load_model(ModelConfig(name="tiny", max_seq_length=asked), "cpu").max_seq_length == found


def test_minilm_is_the_published_model() -> None:
    model = load_model(ModelConfig(name="minilm"), "cpu")
    assert model.get_embedding_dimension() == known_dimension(ModelConfig(name="minilm")) == 384
    assert model.max_seq_length == 256
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    related, unrelated = model.similarity(model.encode(["a cat"]), model.encode(["a kitten", "tax law"]))[0].tolist()
    assert related > 0.7 > 0.2 > unrelated


def test_minilm_runs_no_code_of_its_package() -> None:
    load_model(ModelConfig(name="minilm"), "cpu")
    folder = packaged_minilm().parent
    assert not [name for name, module in sys.modules.items() if str(folder) in str(getattr(module, "__file__", ""))]


@pytest.mark.usefixtures("uncached")
def test_minilm_with_altered_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    altered = bytearray((packaged_minilm() / "model.safetensors").read_bytes())
    altered[-1] ^= 1
    install_minilm(tmp_path, bytes(altered))
    monkeypatch.syspath_prepend(tmp_path)
    packaged_minilm.cache_clear()
    with pytest.raises(
        ModelError, match=r"must have the published weights \(sha256 53aa5117.*\), but got [0-9a-f]{64}\."
    ):
        load_model(ModelConfig(name="minilm"), "cpu")


@pytest.mark.usefixtures("uncached")
@pytest.mark.parametrize("metadata", [True, False])
def test_minilm_without_its_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metadata: bool
) -> None:
    if metadata:
        install_minilm(tmp_path, None)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(ModelError, match=f"but it is not installed. Run: pip install {MINILM_PACKAGE}"):
        model_location(ModelConfig(name="minilm"))


@pytest.mark.parametrize("name", ["/no/such/folder", "./nowhere", "~/model", "a/b/c"])
def test_path_of_no_folder_is_refused(name: str, workdir: Path) -> None:
    with pytest.raises(ModelError, match=rf"model\.name must name a folder, but got {name}\. Check the path\."):
        model_location(ModelConfig(name=name))


def test_folder_below_the_working_directory_is_taken_before_a_hub_id(workdir: Path) -> None:
    (workdir / "org" / "model").mkdir(parents=True)
    assert model_location(ModelConfig(name="org/model")) == str(Path("org/model"))
    assert model_location(ModelConfig(name="org/other")) == "org/other"


def test_folder_without_a_model_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.name must be a model that loads, but got .*safetensors weights"):
        load_model(ModelConfig(name=str(tmp_path)), "cpu")


def test_pickled_weights_are_refused(saved_tiny: Path) -> None:
    from safetensors.torch import load_file

    weights = saved_tiny / "model.safetensors"
    torch.save(load_file(weights), saved_tiny / "pytorch_model.bin")
    weights.unlink()
    with pytest.raises(ModelError, match=r"must be a model that loads.*safetensors"):
        load_model(ModelConfig(name=str(saved_tiny)), "cpu")


@pytest.mark.parametrize("keep", [0, 7, 2000, -1])
def test_truncated_weights_are_one_clear_error(saved_tiny: Path, keep: int) -> None:
    weights = saved_tiny / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"model\.name must be a model that loads, but got .* Check that") as raised:
        load_model(ModelConfig(name=str(saved_tiny)), "cpu")
    assert "\n" not in str(raised.value)


def test_a_module_stored_as_pickle_is_refused(tiny: SentenceTransformer, tmp_path: Path) -> None:
    from sentence_transformers.models import Dense

    SentenceTransformer(modules=[tiny[0], tiny[1], Dense(TINY_DIM, 8)], device="cpu").save_pretrained(str(tmp_path))
    weights = tmp_path / "2_Dense" / "model.safetensors"
    torch.save({"linear.weight": torch.zeros(8, TINY_DIM)}, weights.with_name("pytorch_model.bin"))
    assert load_model(ModelConfig(name=str(tmp_path)), "cpu").get_embedding_dimension() == 8
    weights.unlink()
    with pytest.raises(ModelError, match=r"whose 2_Dense/pytorch_model\.bin is pickled and could run code\. Save"):
        load_model(ModelConfig(name=str(tmp_path)), "cpu")


def test_hub_id_without_network_says_what_to_do() -> None:
    with pytest.raises(ModelError, match=r"but got nobody/nothing .*Without network, name a local folder") as raised:
        load_model(ModelConfig(name="nobody/nothing"), "cpu")
    assert "\n" not in str(raised.value)


def test_dimension_is_known_without_loading(saved_tiny: Path, tmp_path: Path) -> None:
    assert known_dimension(ModelConfig(name="tiny")) == TINY_DIM
    assert known_dimension(ModelConfig(name=str(saved_tiny))) == TINY_DIM
    assert known_dimension(ModelConfig(name="nobody/nothing")) is None
    assert known_dimension(ModelConfig(name=str(tmp_path))) is None


@pytest.mark.parametrize("size", [8, 128])
def test_dimension_of_a_folder_with_a_dense_module_is_its_output(
    tiny: SentenceTransformer, tmp_path: Path, size: int
) -> None:
    from sentence_transformers.models import Dense

    SentenceTransformer(modules=[tiny[0], tiny[1], Dense(TINY_DIM, size)], device="cpu").save_pretrained(str(tmp_path))
    assert known_dimension(ModelConfig(name=str(tmp_path))) == size
    assert load_model(ModelConfig(name=str(tmp_path)), "cpu").get_embedding_dimension() == size


@pytest.mark.parametrize("modes", ["mean", ["cls", "max", "mean"], ["lasttoken"]])
@pytest.mark.parametrize("legacy", [False, True])
def test_dimension_of_several_pooling_modes_is_theirs_together(
    tiny: SentenceTransformer, tmp_path: Path, modes: str | list[str], legacy: bool
) -> None:
    from sentence_transformers.models import Pooling

    SentenceTransformer(modules=[tiny[0], Pooling(TINY_DIM, modes)], device="cpu").save_pretrained(str(tmp_path))
    if legacy:
        words = {"cls": "cls_token", "max": "max_tokens", "mean": "mean_tokens", "lasttoken": "lasttoken"}
        flags = {f"pooling_mode_{word}": mode in modes for mode, word in words.items()}
        config = tmp_path / "1_Pooling" / "config.json"
        config.write_text(json.dumps({"word_embedding_dimension": TINY_DIM} | flags))
    size = TINY_DIM * (1 if isinstance(modes, str) else len(modes))
    assert known_dimension(ModelConfig(name=str(tmp_path))) == size
    assert load_model(ModelConfig(name=str(tmp_path)), "cpu").get_embedding_dimension() == size


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("modules.json", "{"),
        ("modules.json", '[{"type": "my.own.Pooling", "path": "1_Pooling"}]'),
        ("modules.json", '[{"type": "sentence_transformers.models.LSTM", "path": "1_Pooling"}]'),
        ("modules.json", '[{"type": "sentence_transformers.models.Transformer", "path": ""}]'),
        ("1_Pooling/config.json", "{}"),
        ("1_Pooling/config.json", "nothing"),
    ],
)
def test_a_dimension_that_files_do_not_tell_for_sure_is_not_guessed(saved_tiny: Path, file: str, content: str) -> None:
    (saved_tiny / file).write_text(content)
    assert known_dimension(ModelConfig(name=str(saved_tiny))) is None


@pytest.mark.parametrize("name", ["config.json", "modules.json", "model.safetensors", "1_Pooling/config.json", "more"])
@pytest.mark.parametrize("linked", [False, True])
def test_a_pipe_or_device_in_a_model_folder_keeps_nobody_waiting(name: str, linked: bool, saved_tiny: Path) -> None:
    file = saved_tiny / name
    file.unlink(missing_ok=True)
    if linked:
        file.symlink_to("/dev/zero")
    else:
        os.mkfifo(file)
    for read in (load_model, known_dimension):
        with pytest.raises(ModelError, match=rf"{name} is a (pipe|device or a socket)\. Remove it\."):
            read(ModelConfig(name=str(saved_tiny)))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "1_Pooling/config.json"])
def test_a_text_of_a_model_larger_than_any_is_refused_unread(name: str, saved_tiny: Path) -> None:
    os.truncate(saved_tiny / name, 40 << 30)
    for read in (load_model, known_dimension):
        with pytest.raises(ModelError, match=rf"at most 256 MiB, but got .*{name} has 40,960\. Remove it\."):
            read(ModelConfig(name=str(saved_tiny)))


def test_a_linked_folder_in_a_model_folder_is_refused(saved_tiny: Path, tmp_path: Path) -> None:
    (saved_tiny / "1_Pooling").rename(tmp_path / "elsewhere")
    (saved_tiny / "1_Pooling").symlink_to(tmp_path / "elsewhere")
    for read in (load_model, known_dimension):
        with pytest.raises(ModelError, match=r"1_Pooling is a symbolic link\. Remove it\."):
            read(ModelConfig(name=str(saved_tiny)))


def test_links_to_files_are_a_model_as_in_the_cache_of_the_hub(
    tiny: SentenceTransformer, saved_tiny: Path, tmp_path: Path
) -> None:
    for number, file in enumerate([path for path in saved_tiny.rglob("*") if path.is_file()]):
        blob = file.rename(tmp_path / f"blob{number}")
        file.symlink_to(blob)
    assert (load_model(ModelConfig(name=str(saved_tiny)), "cpu").encode(TEXTS) == tiny.encode(TEXTS)).all()


@pytest.mark.parametrize("name", ["config.json", "modules.json", "1_Pooling/config.json", "model.safetensors"])
@pytest.mark.parametrize("content", ["", "[", "[" * 100_000, "null", "{}", "[1]", '{"number": ' + "9" * 5_000 + "}"])
def test_a_damaged_file_of_a_model_is_told_or_read(name: str, content: str, saved_tiny: Path) -> None:
    (saved_tiny / name).write_text(content)
    known_dimension(ModelConfig(name=str(saved_tiny)))
    with contextlib.suppress(ModelError):  # anything else is a traceback
        load_model(ModelConfig(name=str(saved_tiny)), "cpu")
