"""Frozen values that modules exchange: data, scores, objectives, definitions and records."""

from embedtune.records.data import (
    RELATED,
    Metrics,
    Opening,
    RetrievalScores,
    RetrievalSet,
    Synthetic,
    TaskData,
    TrainingSet,
    opened_again,
)
from embedtune.records.definition import DataSource, Kind, Search, Settings, StudyDefinition
from embedtune.records.evaluation import Evaluation
from embedtune.records.facts import (
    BASE,
    CORPUS_DIGEST,
    EMBEDDING_SIZE,
    ENOUGH_ROWS,
    NEGATIVES,
    PARAMETERS,
    PASSAGES_PER_SECOND,
    PROMPTS,
    ROWS_SHARE,
    SYNTHETIC,
    UNMOVED,
)
from embedtune.records.objective import Direction, Objective, SecondObjective
from embedtune.records.training import DatasetFacts, TrainingFacts
from embedtune.records.trial import Delivered, Interruption, State, TrialRecord

__all__ = [
    "BASE",
    "CORPUS_DIGEST",
    "EMBEDDING_SIZE",
    "ENOUGH_ROWS",
    "NEGATIVES",
    "PARAMETERS",
    "PASSAGES_PER_SECOND",
    "PROMPTS",
    "RELATED",
    "ROWS_SHARE",
    "SYNTHETIC",
    "UNMOVED",
    "DataSource",
    "DatasetFacts",
    "Delivered",
    "Direction",
    "Evaluation",
    "Interruption",
    "Kind",
    "Metrics",
    "Objective",
    "Opening",
    "RetrievalScores",
    "RetrievalSet",
    "Search",
    "SecondObjective",
    "Settings",
    "State",
    "StudyDefinition",
    "Synthetic",
    "TaskData",
    "TrainingFacts",
    "TrainingSet",
    "TrialRecord",
    "opened_again",
]
