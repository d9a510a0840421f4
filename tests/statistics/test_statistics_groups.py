from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedtune.errors import EmbedtuneError
from embedtune.statistics import query_groups
from embedtune.statistics.groups import clustered

Relevance = dict[str, frozenset[str]]
PASSAGES = st.frozensets(st.sampled_from("abcdefgh"), max_size=3)
RELEVANT = st.dictionaries(st.text(max_size=3), PASSAGES, max_size=12)


def test_query_groups_join_queries_by_passages() -> None:
    relevant = {"q1": {"p"}, "q2": {"r"}, "q3": {"p", "s"}, "q4": {"s"}, "q5": {"r", "t"}, "ä": {"ü"}}

    groups = query_groups({query: frozenset(passages) for query, passages in relevant.items()})

    assert groups.tolist() == [0, 1, 0, 0, 1, 2]
    assert groups.dtype == np.intp


def test_query_groups_keep_query_and_passage_of_one_name_apart() -> None:
    assert query_groups({"x": frozenset("y"), "y": frozenset("z")}).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("relevant", "groups"),
    [({}, []), ({"q": frozenset("p")}, [0]), ({"q": frozenset(), "r": frozenset()}, [0, 1])],
)
def test_query_groups_of_little(relevant: Relevance, groups: list[int]) -> None:
    assert query_groups(relevant).tolist() == groups


@given(RELEVANT)
def test_query_groups_share_no_passage_and_are_numbered_in_order(relevant: Relevance) -> None:
    groups = query_groups(relevant).tolist()
    owners: dict[str, set[int]] = {}
    for group, passages in zip(groups, relevant.values(), strict=True):
        for passage in passages:
            owners.setdefault(passage, set()).add(group)

    assert all(len(found) == 1 for found in owners.values())
    assert list(dict.fromkeys(groups)) == list(range(len(set(groups))))


@given(RELEVANT)
def test_query_groups_are_no_coarser_than_needed(relevant: Relevance) -> None:
    groups = query_groups(relevant).tolist()
    for group in set(groups):
        members = [passages for number, passages in zip(groups, relevant.values(), strict=True) if number == group]
        reached = members.pop()
        while grown := [passages for passages in members if passages & reached]:
            members = [passages for passages in members if not passages & reached]
            reached = reached.union(*grown)
        assert members == []


def test_clustered_adds_up_within_groups_whatever_their_labels() -> None:
    clusters = clustered({"a": np.array([1.0, 2, 3, 5]), "b": np.zeros(4)}, np.array([7, -1, 7, 40]))

    assert clusters.sums.tolist() == [[2, 0], [4, 0], [5, 0]]
    assert clusters.sizes.tolist() == [1, 2, 1]
    assert clusters.means.tolist() == [11 / 4, 0]


@pytest.mark.parametrize(
    ("scores", "groups", "message"),
    [
        ({}, [0], "at least one model on one query"),
        ({"a": []}, [], "at least one model on one query"),
        ({"a": [1.0, 2.0], "b": [1.0]}, [0, 1], r"scores of b must be 2, .* shape \(1,\)"),
        ({"a": [1.0, np.nan, np.inf]}, [0, 1, 1], "scores of a must be finite numbers, but got 2 of 3"),
    ],
)
def test_clustered_refuses(scores: dict[str, list[float]], groups: list[int], message: str) -> None:
    with pytest.raises(EmbedtuneError, match=message):
        clustered({name: np.array(values) for name, values in scores.items()}, np.array(groups))
