"""What a labelling is worth: rewards for episodes, metrics for corpora."""

from lingym.rewards.accuracy import Accuracy
from lingym.rewards.answers import Answers, answer_scores
from lingym.rewards.as_metric import as_metric, metric_reward, parts_of
from lingym.rewards.base import Reward, RewardError, prefix
from lingym.rewards.by_kind import ByKind
from lingym.rewards.checks import checked_score, checked_steps
from lingym.rewards.constraint import Constrained
from lingym.rewards.corpus import CorpusF1, CorpusMCC, CorpusPrecision, CorpusRecall
from lingym.rewards.cost_matrix import CostMatrix
from lingym.rewards.cross_entropy import CrossEntropy
from lingym.rewards.entity_f1 import EntityF1
from lingym.rewards.exact_match import ExactMatch
from lingym.rewards.f1 import F1
from lingym.rewards.feedback import (
    ABSTAIN,
    Abstain,
    Bandit,
    Budget,
    Clicks,
    Counts,
    Delayed,
    Judge,
    Noisy,
    OneScore,
    Preference,
    Verdicts,
    without_abstain,
)
from lingym.rewards.fronts import pareto_front
from lingym.rewards.function import from_function
from lingym.rewards.kinds import split_kinds
from lingym.rewards.length_cost import LengthCost, StepCost
from lingym.rewards.mcc import MCC
from lingym.rewards.metrics import candidate_metrics, corpus_metrics, span_report
from lingym.rewards.multilabel import SampleF1, multilabel_metrics
from lingym.rewards.normalized import Named, Normalized
from lingym.rewards.references import References
from lingym.rewards.rouge import Rouge, rouge_metrics, summary_metrics
from lingym.rewards.schedules import Cosine, Linear, Schedule, Step, from_to
from lingym.rewards.semeval import RelationF1, semeval_metrics
from lingym.rewards.spec import REWARDS, describe, from_spec
from lingym.rewards.squad import SquadF1, squad_metrics
from lingym.rewards.summaries import lead, oracle
from lingym.rewards.sums import WeightedSum
from lingym.rewards.wrapper import Wrapper

__all__ = [
    "ABSTAIN",
    "F1",
    "MCC",
    "REWARDS",
    "Abstain",
    "Accuracy",
    "Answers",
    "Bandit",
    "Budget",
    "ByKind",
    "Clicks",
    "Constrained",
    "CorpusF1",
    "CorpusMCC",
    "CorpusPrecision",
    "CorpusRecall",
    "Cosine",
    "CostMatrix",
    "Counts",
    "CrossEntropy",
    "Delayed",
    "EntityF1",
    "ExactMatch",
    "Judge",
    "LengthCost",
    "Linear",
    "Named",
    "Noisy",
    "Normalized",
    "OneScore",
    "Preference",
    "References",
    "RelationF1",
    "Reward",
    "RewardError",
    "Rouge",
    "SampleF1",
    "Schedule",
    "SquadF1",
    "Step",
    "StepCost",
    "Verdicts",
    "WeightedSum",
    "Wrapper",
    "answer_scores",
    "as_metric",
    "candidate_metrics",
    "checked_score",
    "checked_steps",
    "corpus_metrics",
    "describe",
    "from_function",
    "from_spec",
    "from_to",
    "lead",
    "metric_reward",
    "multilabel_metrics",
    "oracle",
    "pareto_front",
    "parts_of",
    "prefix",
    "rouge_metrics",
    "semeval_metrics",
    "span_report",
    "split_kinds",
    "squad_metrics",
    "summary_metrics",
    "without_abstain",
]
