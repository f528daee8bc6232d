"""A study of seconds: a generated corpus, an encoder of a few thousand weights."""

import json

TINY = """\
name: tiny
seeds: [0, 1]
tune_seeds: 1
defaults: {encoder: tiny, batch_size: 8, device: cpu, threads: 1}
measures: 2
data:
  commands:
    task: tagging
    corpus: "synthetic:commands?train=48&dev=16&test=16"
    metric: entity_f1
    rewards: {corpus: corpus_f1}
    warm: 48
    more: 24
arms:
  supervised:
    start: warm
    agent: supervised
    grid: {learning_rate: [1.0e-3, 2.0e-3]}
  RL:
    start: warm
    agent: reinforce
    reward: "{corpus}"
    samples: 2
    grid: {learning_rate: [1.0e-3, 2.0e-3]}
"""


def write_study(folder, text=TINY):
    """The study's file."""
    file = folder / "tiny.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def row_of(cell, **parts):
    """A row of a cell, with what every row has."""
    return {
        "cell": cell.id,
        "kind": cell.kind,
        "data": cell.data,
        "arm": cell.arm,
        "seed": cell.seed,
        "share": cell.share,
        "settings": dict(cell.settings),
        "chosen": None,
        "seconds": 10.0,
        "dev": {"entity_f1": 0.5},
        **parts,
    }


def put_row(cell, out, **parts):
    """Make a cell done."""
    cell.folder(out).mkdir(parents=True)
    (cell.folder(out) / "row.json").write_text(json.dumps(row_of(cell, **parts)))
