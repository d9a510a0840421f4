"""Every file of conf/ composes, and composition refuses what the schema does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import ConfigCompositionException
from omegaconf import DictConfig

from embedtune.config import BatchSampler, Config, Precision, conf_dir, register_schema, to_config
from embedtune.config.explain import leaves
from embedtune.errors import ConfigError

FILES = sorted(path.relative_to(conf_dir()) for path in conf_dir().rglob("*.yaml"))
NEEDS = {
    "data/files": "data.path=here",
    "data/hub": "data.path=here",
    "sampler": "sweep=optuna",
    "pruner": "sweep=optuna",
}


def composed(*overrides: str) -> DictConfig:
    register_schema()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("config", list(overrides))


def overrides_for(file: Path) -> list[str]:
    """What a user types to choose this file."""
    group = file.parent.as_posix()
    if group == ".":
        return []
    needed = NEEDS.get(group) or NEEDS.get(f"{group}/{file.stem}")
    return [f"{group}={file.stem}", *([needed] if needed else [])]


@pytest.mark.parametrize("file", FILES, ids=str)
def test_file_composes_to_a_valid_config(file: Path) -> None:
    assert isinstance(to_config(composed(*overrides_for(file))), Config)


@pytest.mark.parametrize("file", FILES, ids=str)
def test_file_says_how_to_choose_it(file: Path) -> None:
    lines = (conf_dir() / file).read_text(encoding="utf-8").splitlines()
    assert any(line.startswith("#") and "python -m embedtune" in line for line in lines) or file.parent.name == "paths"


def keys_of(file: Path) -> Iterator[tuple[str, bool]]:
    """Every key of a file, dotted, and whether a comment stands above it or behind it."""
    above: list[tuple[int, str]] = []
    commented = False
    for line in (conf_dir() / file).read_text(encoding="utf-8").splitlines():
        if line.strip().startswith("#"):
            commented = True
            continue
        match = re.match(r"( *)([\w.-]+):(?: |$)", line)
        if match:
            above = [part for part in above if part[0] < len(match[1])] + [(len(match[1]), match[2])]
            yield ".".join(name for _, name in above), commented or " # " in line
        commented = False


UNCOMMENTED = re.compile(
    r"defaults|hydra\.run.*|hydra\.sweep|hydra\.sweep\.(dir|subdir)|hydra\.output_subdir|hydra|study|train|model|eval|hydra\.sweeper"
    r"|hydra\.sweeper\.params\..*|.*_target_"
)
"""Names of groups, what a comment above the group tells, and what the first line of the file does."""


@pytest.mark.parametrize("file", FILES, ids=str)
def test_every_key_has_a_comment(file: Path) -> None:
    bare = [key for key, commented in keys_of(file) if not commented and not UNCOMMENTED.fullmatch(key)]
    assert bare == []


def package(file: Path) -> tuple[str, ...]:
    """Where the keys of a file stand: below its folder, unless it says otherwise."""
    is_global = (conf_dir() / file).read_text(encoding="utf-8").startswith("# @package _global_")
    return () if is_global else file.parts[:-1]


def test_every_key_of_the_schema_stands_in_a_file() -> None:
    written = {".".join([*package(file), key]) for file in FILES for key, _ in keys_of(file)}
    assert [leaf for leaf in leaves(Config()) if leaf not in written] == []


def test_a_key_without_a_comment_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("# Said.\na: 1\nb: 2\nc:\n  # Said.\n  d: 3\n  e: 4  # said\n", encoding="utf-8")
    assert list(keys_of(file)) == [("a", True), ("b", False), ("c", False), ("c.d", True), ("c.e", True)]


def test_defaults_of_files_and_of_the_schema_agree() -> None:
    expected = Config()
    expected.data.max_train, expected.data.max_queries = 600, 200
    assert to_config(composed()) == expected


def test_defaults_are_the_reference_recipe() -> None:
    config = to_config(composed())
    train = config.train
    assert (train.batch_size, train.epochs, train.learning_rate, train.scheduler, train.seed) == (
        20,
        5,
        5e-5,
        "linear",
        42,
    )
    assert (config.loss.name, config.loss.scale, config.eval.every) == ("mnrl", 20.0, "epoch")


def test_values_reach_the_config() -> None:
    config = to_config(
        composed("train.precision=fp32", "train.batch_sampler=no_duplicates", "eval.every=0.5", "data.max_train=null")
    )
    assert config.train.precision is Precision.fp32
    assert config.train.batch_sampler is BatchSampler.no_duplicates
    assert config.eval.every == 0.5
    assert config.data.max_train is None


def test_weight_of_a_dimension_reaches_the_mapping() -> None:
    config = to_config(composed("loss.matryoshka.weights.128=0.5", "loss.matryoshka.weights.64=2"))
    assert config.loss.matryoshka is not None
    assert config.loss.matryoshka.weights == {"128": 0.5, "64": 2.0}


def test_mappings_take_keys_of_the_user() -> None:
    config = to_config(
        composed(
            "data=files", "data.path=x", "data.splits.validation=dev.jsonl", "data.columns.anchor=q", "data.extra.faq=y"
        )
    )
    assert config.data.splits == {"validation": "dev.jsonl"}
    assert config.data.columns == {"anchor": "q"}
    assert config.data.extra == {"faq": "y"}


def test_path_with_spaces_and_unicode_arrives_as_typed() -> None:
    assert to_config(composed("data=files", "data.path='wörk dir/rights'")).data.path == "wörk dir/rights"


@pytest.mark.parametrize(
    "key", ["train.lrr", "train.learning_rate.x", "trian.epochs", "loss.matryoshka.dim", "epochs", "model.nmae"]
)
def test_unknown_key_is_refused_by_composition(key: str) -> None:
    with pytest.raises(ConfigCompositionException, match=f"Could not override '{key}'|{key.split('.')[-1]}"):
        composed(f"{key}=1")


@pytest.mark.parametrize("key", ["train.lrr", "learning_rate"])
def test_unknown_key_added_with_plus_is_refused(key: str) -> None:
    with pytest.raises((ConfigCompositionException, ConfigError)):
        to_config(composed(f"+{key}=1"))


@pytest.mark.parametrize(
    "override",
    [
        "train.batch_size=many",
        "train.batch_size=2.5",
        "train.epochs=[1]",
        "train.precision=int8",
        "train.batch_sampler=random",
        "loss.matryoshka.dims=[384,x]",
        "loss.matryoshka.dims=64",
        "loss.matryoshka.weights.64=heavy",
        "tracking.enabled=perhaps",
        "format=xml",
    ],
)
def test_wrong_type_is_refused_by_composition(override: str) -> None:
    with pytest.raises(ConfigCompositionException, match="Error merging override"):
        composed(override)


def test_data_path_that_is_missing_is_asked_for() -> None:
    with pytest.raises(ConfigError, match=r"data\.path must be given, .* data=files data\.path=PATH"):
        to_config(composed("data=files"))


def test_searches_define_a_space_for_the_sweeper() -> None:
    register_schema()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        hydra = compose("config", ["sweep=optuna"], return_hydra_config=True).hydra
    assert "train.learning_rate" in hydra.sweeper.params
    assert hydra.mode.name == "MULTIRUN"


RECIPES = [file.stem for file in FILES if file.parent.as_posix() == "model"]


@pytest.mark.parametrize("word", RECIPES)
def test_a_base_model_is_fixed_and_says_what_it_was_checked_against(word: str) -> None:
    model = to_config(composed(f"model={word}")).model
    if "/" in model.name:
        assert re.fullmatch("[0-9a-f]{40}", model.revision or "")
        assert model.max_seq_length in (512, 384, None)
    assert not model.trust_remote_code
    if "e5" in word:
        assert (model.prompts.query, model.prompts.document) == ("query: ", "passage: ")
    if word not in ("minilm", "tiny", "bge_small", "bge_base"):
        assert "as the mteb package" in (conf_dir() / "model" / f"{word}.yaml").read_text(encoding="utf-8")
