from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from embedtune.config.rules.evaluation import OBJECTIVES
from embedtune.records import SYNTHETIC, Search, Synthetic, TrialRecord
from embedtune.release import CardInputs, render_card
from embedtune.release.card.markdown import clean
from embedtune.release.choice.candidates import Kind
from embedtune.release.gate.onnx_report import OnnxReport
from embedtune.statistics import Comparison, Interval

HEADINGS = [
    "# SentenceTransformer based on sentence-transformers/all-MiniLM-L6-v2",
    "## Model Details",
    "### Model Description",
    "### Model Sources",
    "### Full Model Architecture",
    "## Usage",
    "### Direct Usage (Sentence Transformers)",
    "### Direct Usage (Transformers)",
    "### Downstream Usage (Sentence Transformers)",
    "### Out-of-Scope Use",
    "## Evaluation",
    "### Metrics",
    "#### Information Retrieval",
    "##### 384 dimensions",
    "##### 256 dimensions",
    "##### 128 dimensions",
    "## Bias, Risks and Limitations",
    "### Recommendations",
    "## Training Details",
    "### Training Dataset",
    "#### ai_rights",
    "### Training Hyperparameters",
    "#### Non-Default Hyperparameters",
    "#### All Hyperparameters",
    "### Training Logs",
    "### Framework Versions",
    "## Decision",
    "## Search Behind This Model",
    "## Citation",
    "### BibTeX",
    "#### Sentence Transformers",
    "#### MatryoshkaLoss",
    "#### MultipleNegativesRankingLoss",
    "## Glossary",
    "## Model Card Authors",
    "## Model Card Contact",
]
UGLY = [
    "quote ' and \" and ''' and \"\"\"",
    "back\\slash \\n and \\",
    "line\nbreak\r\nand\ttab\x0b",
    "a | b || c",
    "<b>bold</b> <!-- x --> & &amp;",
    "---\n---\nkey: value",
    "separators \u2028 \u2029 \u0085 \x00",
    "{{ card }} {% for %} {# #}",
    "emoji 🤗 and \ud800",
    "```python\n~~~",
    "def f(*args, **kwargs):\n    return __init__",
    "",
]


@pytest.fixture(scope="module")
def card(inputs: CardInputs) -> str:
    return render_card(inputs)


def body(card: str) -> str:
    """The card below its metadata."""
    matter = re.match(r"---\n(.*?\n)---\n", card, re.DOTALL)
    assert matter is not None
    assert isinstance(yaml.safe_load(matter[1]), dict)
    return card[matter.end() :]


def blocks(card: str) -> list[Token]:
    tokens = MarkdownIt("commonmark").enable("table").parse(body(card))
    return [token for token in tokens if token.type == "fence"]


def block(card: str, language: str, position: int = 0) -> str:
    return [token.content for token in blocks(card) if token.info == language][position]


def section(card: str, heading: str) -> str:
    """From a heading to the next of its level or above."""
    level = heading.partition(" ")[0]
    rest = card.split(f"\n{heading}\n", 1)[1]
    return re.split(rf"\n#{{1,{len(level)}}} ", rest, maxsplit=1)[0]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def rows(text: str) -> list[list[str]]:
    """Header and body of the first table in a text."""
    lines = [line for line in text.split("\n") if line.lstrip().startswith("|")]
    return [cells(line) for position, line in enumerate(lines) if position != 1]


def tables_of(text: str) -> list[list[list[str]]]:
    """Every table of a text, each with its header."""
    return [rows(part) for part in text.split("\n\n") if part.startswith("|")]


def usage_texts(code: str) -> list[str]:
    """The literals of ``sentences = [...]``."""
    (value,) = [
        node.value
        for node in ast.parse(code).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "sentences"
    ]
    texts: list[str] = ast.literal_eval(value)
    return texts


def test_every_heading_in_the_order_of_the_reference(card: str) -> None:
    text = re.sub(r"^(`{3,}).*?^\1$", "", body(card), flags=re.DOTALL | re.MULTILINE)

    assert re.findall(r"^#+ .*$", text, re.MULTILINE) == HEADINGS


def test_description_fields(card: str) -> None:
    link = "[sentence-transformers/all-MiniLM-L6-v2](https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2)"
    for line in (
        "- **Model Type:** Sentence Transformer",
        f"- **Base model:** {link}",
        "- **Maximum Sequence Length:** 256 tokens",
        "- **Output Dimensionality:** 384 dimensions",
        "- **Similarity Function:** Cosine Similarity",
        "- **Training Dataset:** ai_rights",
        "<!-- - **Language:** Unknown -->",
        "<!-- - **License:** Unknown -->",
    ):
        assert f"\n{line}\n" in card
    assert f"model finetuned from {link}. It maps" in card
    assert "can be cut to 256 or 128 dimensions" in card


def test_architecture_block(card: str, inputs: CardInputs) -> None:
    assert block(card, "") == inputs.facts.architecture + "\n"


def test_usage_code_encodes_the_three_sentences(card: str, inputs: CardInputs) -> None:
    code = block(card, "python")

    assert usage_texts(code) == list(inputs.usage)
    assert "# [3, 384]" in code
    assert "# [3, 3]" in code
    assert "model.similarity(embeddings, embeddings)" in code
    assert "truncate_dim=256" in block(card, "python", 1)


def test_one_dimension_needs_no_advice_on_truncation(inputs: CardInputs) -> None:
    scores = {split: {"384": values["384"]} for split, values in inputs.scores.items()}
    card = render_card(replace(inputs, scores=scores))

    assert "truncate_dim=" not in card
    assert "can be cut" not in card
    assert "##### 384 dimensions" in card


@pytest.mark.parametrize("dim", [384, 256, 128])
def test_metric_table_has_every_metric_of_both_splits_beside_the_baseline(
    card: str, inputs: CardInputs, dim: int
) -> None:
    header, *found = rows(section(card, f"##### {dim} dimensions"))

    assert header == ["Metric", "validation", "validation, untuned", "test", "test, untuned"]
    assert [row[0].strip("*") for row in found] == list(OBJECTIVES)
    for name, *values in found:
        metric = name.strip("*")
        expected = [inputs.tuned("validation", dim, metric), inputs.untuned("validation", dim, metric)]
        expected.append(inputs.tuned("test", dim, metric))
        assert [value.strip("*") for value in values[:3]] == [f"{value:.4f}" for value in expected]
        assert values[3] == "–"
    assert [row[0] for row in found if row[0].startswith("*")] == ["**cosine_map@100**"]


def test_dimension_table_weighs_quality_against_bytes(card: str) -> None:
    header, first, *others = rows(section(card, "#### Information Retrieval"))[:4]

    assert header[:2] == ["Dimensions", "Index bytes per million documents"]
    assert first == ["384", "1,536,000,000", "0.8324", "0.6524", "0.8024", "–", "100.0%"]
    assert [row[1] for row in others] == ["1,024,000,000", "512,000,000"]


def test_training_dataset(card: str) -> None:
    text = section(card, "### Training Dataset")

    assert "* Size: 1,600 training samples" in text
    assert "* Columns: <code>anchor</code> and <code>positive</code>" in text
    assert "<ul><li>min: 10 tokens</li><li>mean: 19.88 tokens</li><li>max: 36 tokens</li></ul>" in text
    assert "<code>BLUEPRINT FOR AN <br>AI BILL OF RIGHTS</code>" in text
    assert text.count("<code>") == 2 + 6 + 1
    assert "losses.html#matryoshkaloss) with these parameters:" in text


def test_loss_parameters_are_json(card: str, inputs: CardInputs) -> None:
    assert json.loads(block(card, "json")) == inputs.facts.loss_parameters


def test_hyperparameters_leave_out_the_machine(card: str) -> None:
    text = section(card, "### Training Hyperparameters")
    changed, all_of_them = text.split("#### All Hyperparameters")

    assert re.findall("- `(.*?)`: (.*)", changed) == [
        ("per_device_train_batch_size", "32"),
        ("learning_rate", "0.00012"),
        ("multi_dataset_batch_sampler", "round_robin"),
    ]
    assert "- `debug`: []\n" in all_of_them
    assert "- `accelerator_config`: {'split_batches': False, 'even_batches': True}\n" in all_of_them
    assert "- `mp_parameters`: \n" in all_of_them
    assert "output_dir" not in card
    assert "/home/somebody" not in card


def test_training_logs_mark_the_saved_checkpoint(card: str) -> None:
    header, *found = rows(section(card, "### Training Logs"))

    assert header == ["Epoch", "Step", "Training Loss", *(f"dim_{dim}_cosine_map@100" for dim in (384, 256, 128))]
    assert found[0] == ["0.0000", "0", "–", "0.6524", "0.6396", "0.6268"]
    assert found[2] == ["**2.0000**", "**100**", "**1.0200**", "**0.8324**", "**0.8196**", "**0.8068**"]
    assert sum("**" in row[0] for row in found) == 1
    assert "bold row is the saved checkpoint" in card


def test_framework_versions(card: str) -> None:
    found = dict(re.findall(r"^- (.*?): (.*)$", section(card, "### Framework Versions"), re.MULTILINE))

    assert list(found) == [
        "Python", "Sentence Transformers", "Transformers", "PyTorch", "Accelerate", "Datasets", "Tokenizers",
        "embedtune", "Optuna", "Hydra", "MLflow",
    ]  # fmt: skip
    assert found["PyTorch"] == "2.15.0+cu132"


def test_search_says_what_was_tried_and_what_it_cost(card: str) -> None:
    text = section(card, "## Search Behind This Model")

    for line in (
        "- **Study:** <code>rights</code>",
        "- **Budget:** 6 trials in total",
        "- **Trials:** 4 complete, 1 pruned, 1 fail",
        "- **Sampler:** <code>TPESampler(seed=42, multivariate=True)</code>",
        "- **Pruner:** none",
        "- **Objective:** <code>cosine_map@100</code> at 384 dimensions, larger is better",
        "- **Chosen trial:** 0003, the weights of its best step 100 (epoch 2), recorded at 0.7800",
        "- **Data source:** <code>ai_rights</code>",
        f"- **sha256 of test:** <code>{'c' * 64}</code>",
        "- **Device and precision:** cpu, fp32",
        "- **Time of the whole search:** 1 h 10 min",
    ):
        assert line in text
    assert [
        "<code>train.learning_rate</code>",
        "<code>tag(log, interval(1e-5, 3e-4))</code>",
        "<code>0.000123457</code>",
    ] in rows(text)
    assert ["<code>loss.matryoshka.weights.128</code>", "–", "<code>0.5</code>"] in rows(text)
    assert "| validation |     0.8324 |  0.6524 |    +0.1800 |" in text
    assert "the validation figure is optimistic" in text
    assert "the test figure is the honest one" in text


def test_decision_says_why_and_how(card: str) -> None:
    text = section(card, "## Decision")

    for line in (
        "trial 3 is better than the untuned model: +0.1500 (95 % interval +0.1000 to +0.2000, p = 0.002) on 100 test",
        "- **Gate:** one-sided, level 0.95; at most 0.01 below the incumbent",
        "- **Judged:** <code>cosine_map@100</code> at 384 dimensions",
        "- **Chosen because:** trial 3 cannot be told apart from trial 5 on 100 queries, and is the default recipe",
        "- **Seeds behind the choice:** 1, that of the trial",
        "- **Interval of its mean:** 0.7100 to 0.8500 on validation data",
        "- **Shrunken estimate:** 0.7700 of 0.7800",
        "- **Training time of the candidates:** 5 min 4 s",
        "- **Openings of the test split:** 1 (release rights on 2026-01-02)",
        "- **Leakage and repeated texts in the data:** 2 queries are both in train and in test, e.g. 'a&#124;b'.",
        "In float32 256 dimensions suffice; the smallest index that suffices has 256 dimensions in int8.",
    ):
        assert line in text
    candidates, comparisons, sizes = tables_of(text)
    assert candidates[0] == ["Candidate", "Mean", "95 % interval", "Shrunken", "Training time", "Tie"]
    assert candidates[1] == ["trial 5", "0.7900", "0.7200 to 0.8600", "0.7750", "2 min 0 s", "yes"]
    assert candidates[2][0] == "**trial 3 (default recipe)**"
    assert candidates[3] == ["untuned model", "0.6000", "0.5000 to 0.7000", "–", "–", "no"]
    assert comparisons[1] == [
        "untuned model", "test", "+0.1500", "+0.1000 to +0.2000", "0", "0.0020", "0.5000", "100 in 50 groups", "yes",
    ]  # fmt: skip
    assert [row[:3] for row in sizes[1:]] == [
        ["384", "float32", "1,536,000,000"], ["256", "int8", "256,000,000"], ["256", "float32", "1,024,000,000"],
        ["128", "binary", "16,000,000"],
    ]  # fmt: skip
    assert [row[6] for row in sizes[1:]] == ["yes", "yes", "yes", "not shown"]


def test_decision_that_was_not_gated_or_not_sealed_says_so(inputs: CardInputs) -> None:
    assert inputs.decision is not None
    decision = replace(inputs.decision, gated=False, judged_on="validation", openings=(), sizes=None)
    text = section(render_card(replace(inputs, decision=decision)), "## Decision")

    assert "- **Gate:** **not gated:**" in text
    assert "judged **on the validation data that chose it**" in text
    assert "- **Openings of the test split:** none" in text
    assert "index" not in text


def test_the_cost_counts_fresh_seeds_and_no_average_of_what_is_counted(inputs: CardInputs) -> None:
    assert inputs.decision is not None
    first, *rest = inputs.decision.standings
    soup = replace(first.candidate, name="average of trials 3, 5", kind=Kind.SOUP, seconds=304.2)
    again = replace(first, candidate=replace(first.candidate, seed_seconds=60.0))
    decision = replace(inputs.decision, standings=(again, *rest, replace(first, candidate=soup)))

    assert "- **Training time of the candidates:** 6 min 4 s" in render_card(replace(inputs, decision=decision))


def test_the_search_is_told_at_its_own_size_and_data(inputs: CardInputs) -> None:
    assert inputs.decision is not None
    assert "The search maximised <code>cosine_map@100</code> at 384 dimensions, on validation data" in render_card(
        inputs
    )
    decision = replace(inputs.decision, chosen_on="folds", judged_on="validation")
    record = replace(inputs.record, facts={**inputs.record.facts, "dim": 384})
    cut = replace(inputs, decision=decision, record=record, facts=replace(inputs.facts, dimension=128))
    card = render_card(cut)

    assert "The search maximised <code>cosine_map@100</code> at 384 dimensions, on folds of the training data" in card
    assert "The objective, <code>cosine_map@100</code> at 128 dimensions:" in card
    assert "chosen by folds of the training data, was judged on validation data" in card
    assert "that chose it" not in card
    assert "The search maximised <code>cosine_map@100</code> at 384 dimensions\n\n" in render_card(
        replace(inputs, decision=None)
    )


def test_a_second_opening_takes_the_honesty_from_the_test_figure(inputs: CardInputs) -> None:
    assert inputs.decision is not None
    decision = replace(inputs.decision, openings=inputs.decision.openings * 2)
    card = render_card(replace(inputs, decision=decision))

    assert "the test figure is the honest one" not in card
    assert "The test data was read 2 times" in card
    assert "**After the first one, test scores are no longer blind**" in card


def test_an_average_of_trials_has_no_log_of_its_own(inputs: CardInputs) -> None:
    record = replace(inputs.record, params={}, best_step=None, best_epoch=None)
    card = render_card(replace(inputs, parts=(3, 5), record=record, evaluations=()))

    assert "the uniform average of the weights of 0003, 0005, measured at 0.7800" in card
    assert "uniform average of the weights of trials 3, 5, so it has no log of its own" in card
    assert "bold row" not in card


def test_without_a_decision_there_is_no_such_section(inputs: CardInputs) -> None:
    assert "## Decision" not in render_card(replace(inputs, decision=None))


def test_without_test_data_no_figure_is_called_honest(inputs: CardInputs) -> None:
    card = render_card(replace(inputs, scores={"validation": inputs.scores["validation"]}))

    assert "honest" not in card
    assert "No test data was measured" in card
    assert "Of full size (validation)" in card


def test_a_study_of_which_little_is_known(inputs: CardInputs) -> None:
    record = TrialRecord(study="", number=0, state=inputs.record.state)
    search = replace(inputs.search, definition=replace(inputs.search.definition, n_trials=None, search=Search()))
    card = render_card(replace(inputs, search=search, record=record, baseline={}, evaluations=()))

    assert "- **Chosen trial:** 0000, the weights of its best step\n" in card
    assert "**Budget:**" not in card
    assert "**Sampler:**" not in card
    assert "None" not in section(card, "## Search Behind This Model")


def test_citations_name_the_reference_and_what_the_library_cites(card: str) -> None:
    keys = re.findall(r"@\w+\{(.*?),", section(card, "## Citation"))

    assert keys == ["reimers-2019-sentence-bert", "kusupati2024matryoshka", "henderson2017efficient", "oord2019"]


@pytest.mark.parametrize("text", UGLY)
def test_any_text_leaves_the_card_whole(short_inputs: CardInputs, text: str) -> None:
    card = render_card(with_text(short_inputs, text))

    card.encode()
    # The same blocks, headings and tables as with tame text: nothing broke out of its place.
    tame = render_card(with_text(short_inputs, "tame"))
    assert skeleton(card) == skeleton(tame)
    code = block(card, "python")
    compile(code, "card", "exec")
    assert usage_texts(code)[0] == clean(text)
    # The hub's reader takes the first line of dashes after the start for the end of the metadata.
    assert ModelCard(card).data.widget[0]["source_sentence"].splitlines() == clean(text).splitlines()


@settings(deadline=None, max_examples=25)
@given(text=st.text(st.characters() | st.sampled_from("|`*<>-\n\r{}#\"'\\"), max_size=50))
def test_any_text_at_all_leaves_the_card_whole(short_inputs: CardInputs, text: str) -> None:
    card = render_card(with_text(short_inputs, text))

    assert skeleton(card) == skeleton(render_card(with_text(short_inputs, "tame")))
    compile(block(card, "python"), "card", "exec")


def with_text(inputs: CardInputs, text: str) -> CardInputs:
    """The text wherever a user's text can stand."""
    (dataset,) = inputs.facts.datasets
    sample: Mapping[str, str] = {"anchor": text, "positive": text}
    facts = replace(inputs.facts, datasets=(replace(dataset, samples=(sample,) * 3),))
    definition = replace(inputs.search.definition, name=text, search=Search(space={"train.batch_size": text}))
    search = replace(inputs.search, definition=definition)
    return replace(inputs, facts=facts, search=search, examples=((text, (text, text, text)),))


def skeleton(card: str) -> list[tuple[str, str]]:
    """What a reader's Markdown sees: every block and its kind, without the words."""
    tokens = MarkdownIt("commonmark").enable("table").parse(body(card))
    return [(token.type, token.tag) for token in tokens]


def test_licence_and_languages_stand_in_the_description(short_inputs: CardInputs) -> None:
    card = render_card(replace(short_inputs, license="cc-by-4.0", languages=("en", "de")))
    assert "\n- **Language:** en, de\n- **License:** cc-by-4.0\n\n### Model Sources\n" in card


def test_an_onnx_file_is_told_with_its_cost(short_inputs: CardInputs) -> None:
    comparison = Comparison(-0.00314, Interval(-0.01, 0.01, 0.95), 0.01, 0.01, -0.1, 100, 50)
    onnx = OnnxReport(Path("model.onnx"), "int8", 23_400_000, "test", {}, comparison, passed=True)
    card = render_card(replace(short_inputs, onnx=onnx))
    assert "### Direct Usage (ONNX)" in card
    assert "int8 (weights of 8 bits), 23.4 MB. On the test split" in card
    assert "differs by -0.0031" in card
    code = next(code for code in re.findall(r"```python\n(.*?)```", card, re.DOTALL) if "onnxruntime" in code)
    compile(code, "card", "exec")
    assert "max_length=256" in code
    assert "InferenceSession('rights/onnx/model.onnx')" in code
    assert "ONNX" not in render_card(short_inputs)


def test_synthetic_queries_are_told_in_bold(inputs: CardInputs) -> None:
    fact = Synthetic("ask", "m7", ("validation",)).to_dict()
    record = replace(inputs.record, facts={**inputs.record.facts, SYNTHETIC: fact})
    told = section(render_card(replace(inputs, record=record)), "## Search Behind This Model")
    assert "**The queries of validation are synthetic (asked of m7)" in told
