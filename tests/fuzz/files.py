"""Every file that is no labelled text: valid ones, and what reads them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lingym.envs.augment.mentions import read_mentions
from lingym.envs.augment.synonyms import table
from lingym.envs.label_names import label_texts
from lingym.envs.verbaliser import read_verbaliser
from lingym.rewards import CostMatrix, from_spec
from lingym.rewards.cost_file import read_costs
from lingym.scripts.bench_encoder_study import read_encoder_study
from lingym.scripts.bench_feedback import FeedbackCurves
from lingym.scripts.compare.study_file import read_study
from lingym.scripts.continual_sequence import load_sequence
from lingym.scripts.feedback_file import FeedbackFile
from lingym.scripts.mix import load_mix
from lingym.scripts.train import Train
from lingym.scripts.tuning_space import read_space
from lingym.types import LabelSpace
from tests.fuzz.mutate import FAULTS, JSON_FAULTS, Fault, _insert


@dataclass(frozen=True)
class File:
    """A form of a file.

    Attributes:
        name: of it.
        files: valid ones.
        read: what reads it.
        faults: what is done to it.
        lines: whether every error is about a line.
        refused: whether some are refused: a cache passes over what is torn.
        folder: whether errors may name the folder that it belongs to instead.
    """

    name: str
    files: Sequence[bytes]
    read: Callable[[Path], Any]
    faults: Sequence[Fault] = FAULTS
    lines: bool = False
    refused: bool = True
    folder: bool = False


COSTS = (
    b",O,B-PER,I-PER\nO,0,1,1\nB-PER,2.5,0,\nI-PER,-1e-1,1,0\n",
    '"gold, given","a ""b""",é\r\n"a ""b""",0,1\r\n\r\né,1e3,\r\n'.encode(),
)
FEEDBACK = (
    b'{"id": 0, "score": 1}\n\n{"id": 1, "scores": [0.5, 1, -2]}\n{"score": 0.25, "id": 2}',
)
NAMES = ("good\tvery good\nbad\tnot  good é\n".encode(),)
WORDS_TOML = (b'good = ["great", "fine"]\nbad = "awful"\n',)
WORDS_JSON = (b'{"good": ["great", "fine"],\n "bad": "awful"}\n',)
MENTIONS = (b"# types\nPER\tAnna Smith\nLOC\tNew York\tParis\n\nPER\tBo\n",)
SYNONYMS = (b"fine\tgood\tnice one\n# no\nfilm\tmovie\n",)
MIX = (
    b'[mood]\ntask = "classification"\ntrain = "mood.jsonl"\nweight = 2\n'
    b'[tags]\ntask = "tagging"\ntrain = "tags.conll"\nlabels = 1\nformat = "conll"\nweight = 0.5\n',
)
SEQUENCE = (
    b'[one]\ntrain = "c.conll"\nlearning_rate = 1e-4\n'
    b'["two-2"]\ntrain = "a.conll"\ndev = "b.conll"\nagent = "reinforce"\nsamples = 4\n'
    b'reward = "0.5*entity_f1+0.5*accuracy"\n',
)
REGIMES = (
    b'[scores]\nreward = "bandit(entity_f1)"\nsamples = 4\n[late]\ngamma = 0.5\nwarmup = 1\n',
)
STUDY = (
    b"""name: A study
about: "of: things"
seeds: [0, 1, 2]
measures: 5
defaults: &all {encoder: tiny, learning_rate: 1e-3}
shares: {of: [mood], arms: [plain], gold: [0.1, 0.5], least: 8}
data:
  mood: {task: classification, corpus: "synthetic:sentiment", metric: accuracy, warm: 1, more: 1}
  tags:
    task: tagging
    train: a.conll
    dev_from_train: 10
    test: c.conll
    metric: entity_f1
    more: 2
    rewards: {worth: entity_f1}
    arms:
      rl: {samples: 2}
arms:
  plain: {start: nothing, agent: supervised}
  rl:
    start: nothing
    agent: reinforce
    reward: "{worth}+0.5*accuracy"
    only: [tags]
    grid: {kl_coef: [0.0, 0.1], head_lr_scale: [1, 10]}
""",
)
ENCODERS = (
    b"""name: Encoders
seeds: [0]
epochs: [1, 1]
defaults: {encoder: tiny}
reinforce: {reward: "{worth}", samples: 2}
data:
  tags: {task: tagging, train: a, dev: b, test: c, metric: entity_f1, rewards: {worth: accuracy}}
methods:
  all: {tune: all}
  lora: {tune: lora, reinforce: {learning_rate: 0.001}}
""",
)
SPACE = (
    b"learning_rate: {low: 1.0e-5, high: 2.0e-4, log: true}\nsamples: [4, 8]\n"
    b"kl_coef: {low: 0, high: 1, step: 0.25}\nbaseline: [none, mean]\nwarm_passes: [0, 2]\n",
)
YAML: tuple[bytes, ...] = (
    *(b"&a ", b"*a", b"*all", b"<<: *all\n", b"!!int ", b"!!binary ", b"!!python/name:os.system "),
    *(b"!!set {a, b}", b"!!omap [a: 1]", b"!!float x", b"!!int ''", b"!!null x", b"!!bool x"),
    *(b"2026-13-40", b"190:20:30", b"0x" + b"f" * 3000, b"0b1", b".inf", b"-.nan", b"1_000"),
    *(
        b"? ",
        b"- ",
        b"|\n",
        b">-\n",
        b"---\n",
        b"...\n",
        b"%YAML 9.9\n",
        b"[" * 3000,
        b"{a: " * 400,
    ),
    *(
        b"10**10",
        b"1e999",
        b"1e400",
        b"9" * 400,
        b"null",
        b"~",
        b"true",
        b"-1",
        b"''",
        b"[]",
        b"{}",
    ),
    b"{p: &p [a,a,a,a,a,a,a,a], q: &q [*p,*p,*p,*p,*p,*p,*p,*p], r: [*q,*q,*q,*q,*q,*q,*q]}",
    b"&s [*s]",
    b"{<<: &m {a: 1}, <<: [*m, *m]}",
)
TOML: tuple[bytes, ...] = (
    *(
        b"0x" + b"f" * 3000,
        b"9" * 400,
        b"1e999",
        b"inf",
        b"nan",
        b"true",
        b"-1",
        b'""',
        b"[]",
        b"{}",
    ),
    *(b"[" * 3000, b"{a=" * 500, b"1979-05-27T07:32:00Z", b"07:32:00", b"'''", b'"""', b"[[a]]\n"),
    *(b'"\\uD800"', b'"\\u0000"', b"a.b.c = 1\n", b"[a.b]\n", b"=", b"10**10", b"[[1]]", b'["a"]'),
)


def _of(words: Sequence[bytes]) -> Fault:
    """Puts one of these in the place of a value, or anywhere."""

    def put(data: bytes, chance: Any) -> bytes:
        word = chance.choice(words)
        marks = [k for k, byte in enumerate(data) if byte in b":=,[{ \n"]
        if not marks or chance.random() < 0.2:
            return _insert(data, chance)
        start = chance.choice(marks) + 1
        end = start + chance.choice((0, 0, 1, 4, 9, 20))
        if chance.random() < 0.6:
            stops = [k for k in marks if k > start]
            end = stops[0] if stops else len(data)
        return data[:start] + b" " * (chance.random() < 0.5) + word + data[end:]

    return put


YAML_FAULTS = (*FAULTS, *[_of(YAML)] * len(FAULTS))
TOML_FAULTS = (*FAULTS, *[_of(TOML)] * len(FAULTS))

SPACE_OF = LabelSpace(("bad", "good"))


def _feedback(path: Path) -> Any:
    for given in FeedbackFile(path).finish():
        assert type(given.id) is int and isinstance(given.score, float)


def _costs(path: Path) -> Any:
    costs = read_costs(path)
    again = from_spec(CostMatrix(costs).to_spec())
    assert again.to_spec() == CostMatrix(costs).to_spec()


def _study(path: Path) -> Any:
    study = read_study(path)
    json.dumps(vars(study), default=str)


def _mix(path: Path) -> Any:
    (path.parent / "mood.jsonl").write_text(
        '{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n'
    )
    (path.parent / "tags.conll").write_text("a O\nb B-X\n\nc O\n")
    return load_mix(path)


def _regimes(path: Path) -> Any:
    return FeedbackCurves(Train(out=path.parent), path).read()


FILES = {
    "costs": File("costs.csv", COSTS, _costs, lines=True),
    "feedback": File("f.jsonl", FEEDBACK, _feedback, JSON_FAULTS, lines=True),
    "label names": File("n.tsv", NAMES, lambda path: label_texts(SPACE_OF, path)),
    "verbaliser, TOML": File("v.toml", WORDS_TOML, lambda p: read_verbaliser(str(p)), TOML_FAULTS),
    "verbaliser, JSON": File("v.json", WORDS_JSON, lambda p: read_verbaliser(str(p)), JSON_FAULTS),
    "mentions": File("m.tsv", MENTIONS, read_mentions),
    "synonyms": File("s.tsv", SYNONYMS, lambda p: table(str(p))),
    "mix": File("mix.toml", MIX, _mix, TOML_FAULTS),
    "sequence": File(
        "seq.toml", SEQUENCE, lambda p: load_sequence(p, Train(out=p.parent)), TOML_FAULTS
    ),
    "regimes": File("regimes.toml", REGIMES, _regimes, TOML_FAULTS),
    "study": File("study.yaml", STUDY, _study, YAML_FAULTS, lines=False),
    "study of encoders": File(
        "study.yaml", ENCODERS, lambda p: read_encoder_study(p, p.parent), YAML_FAULTS
    ),
    "space": File(
        "space.yaml",
        SPACE,
        lambda p: read_space(p, Train(out=p.parent, agent="reinforce")),
        YAML_FAULTS,
    ),
}
"""Files that a person writes."""
