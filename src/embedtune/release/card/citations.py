"""BibTeX of the methods behind a model."""

from __future__ import annotations

import re

from embedtune.records import TrainingFacts

SENTENCE_TRANSFORMERS = """\
@inproceedings{reimers-2019-sentence-bert,
    title = "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks",
    author = "Reimers, Nils and Gurevych, Iryna",
    booktitle = "Proceedings of the 2019 Conference on Empirical Methods in Natural Language Processing",
    month = "11",
    year = "2019",
    publisher = "Association for Computational Linguistics",
    url = "https://arxiv.org/abs/1908.10084",
}"""

METHODS = {
    "MatryoshkaLoss": """\
@misc{kusupati2024matryoshka,
    title={Matryoshka Representation Learning},
    author={Aditya Kusupati and Gantavya Bhatt and Aniket Rege and Matthew Wallingford and Aditya Sinha and \
Vivek Ramanujan and William Howard-Snyder and Kaifeng Chen and Sham Kakade and Prateek Jain and Ali Farhadi},
    year={2024},
    eprint={2205.13147},
    archivePrefix={arXiv},
    primaryClass={cs.LG}
}""",
    "MultipleNegativesRankingLoss": """\
@misc{henderson2017efficient,
    title={Efficient Natural Language Response Suggestion for Smart Reply},
    author={Matthew Henderson and Rami Al-Rfou and Brian Strope and Yun-hsuan Sung and Laszlo Lukacs and \
Ruiqi Guo and Sanjiv Kumar and Balint Miklos and Ray Kurzweil},
    year={2017},
    eprint={1705.00652},
    archivePrefix={arXiv},
    primaryClass={cs.CL}
}""",
}


def citations(facts: TrainingFacts) -> dict[str, str]:
    """Sentence Transformers and each loss, outermost first, with its BibTeX.

    A loss is cited by the paper it goes back to; what the library cites for it follows where that is another paper.
    """
    found = {"Sentence Transformers": SENTENCE_TRANSFORMERS}
    for loss in facts.losses:
        entries = {_key(entry): entry.strip() for entry in (METHODS.get(loss), facts.citations.get(loss)) if entry}
        if entries:
            found[loss] = "\n\n".join(entries.values())
    return found


def _key(entry: str) -> str:
    match = re.search(r"@\w+\s*\{\s*([^,\s]+)", entry)
    return match[1] if match else entry
