from pathlib import Path

import pytest

from lingym.scripts.compare.prepare import sources
from lingym.scripts.compare.study import Study
from lingym.scripts.compare.study_file import read_study

TEXT = """\
name: small
seeds: [0, 1, 2]
defaults: {encoder: tiny, samples: 8, batch_size: 8}
measures: 5
data:
  commands:
    task: tagging
    corpus: synthetic:commands
    labels: slots
    train_limit: 100
    metric: entity_f1
    rewards: {metric: "entity_f1(dense=True)", corpus: corpus_f1}
    warm: 200
    more: 100
    arms: {then PPO: {samples: 4}}
arms:
  supervised:
    start: warm
    agent: supervised
    grid: {learning_rate: [2e-5, 5.0e-5]}
  tuned: {of: supervised, tune: bias+temperature}
  then PPO:
    start: warm
    agent: ppo
    reward: "{metric}"
  from nothing:
    start: nothing
    agent: reinforce
    reward: "0.5*{corpus}+0.5*{metric}"
    kl_coef: 0
    grid: {learning_rate: [1e-4], samples: [2, "4"]}
"""


def read(folder: Path, text: str = TEXT) -> Study:
    file = folder / "study.yaml"
    file.write_text(text, encoding="utf-8")
    return read_study(file)


def test_a_study_is_what_its_file_says(tmp_path: Path) -> None:
    study = read(tmp_path)
    assert (study.name, study.about, study.seeds, study.measures) == ("small", "", (0, 1, 2), 5)
    assert study.tune_seeds is None and study.grid_seeds() == (0, 1, 2)
    assert study.source == tmp_path / "study.yaml"
    (data,) = study.data
    assert data.options == {
        "task": "tagging",
        "corpus": "synthetic:commands",
        "labels": "slots",
        "train_limit": 100,
    }
    assert sources(data, tmp_path)["test"] == "synthetic:commands"
    assert data.arms == {"then PPO": {"samples": 4}}
    assert [arm.name for arm in study.arms] == ["supervised", "tuned", "then PPO", "from nothing"]
    assert [arm.start for arm in study.arms] == ["warm", "warm", "warm", "nothing"]
    assert (study.arm_named("tuned").of, study.arm_named("tuned").tune) == (
        "supervised",
        "bias+temperature",
    )


def test_numbers_that_yaml_reads_as_text_are_numbers(tmp_path: Path) -> None:
    study = read(tmp_path)
    assert study.arms[0].grid == {"learning_rate": (2e-5, 5e-5)}  # 2e-5 has no dot
    assert study.arms[3].grid == {"learning_rate": (1e-4,), "samples": (2, 4)}
    assert type(study.arms[3].options["kl_coef"]) is float


def test_options_of_reading_in_defaults_go_to_every_data_set(tmp_path: Path) -> None:
    text = TEXT.replace("{encoder: tiny", "{labels: slots, task: tagging, encoder: tiny")
    text = text.replace("    task: tagging\n", "").replace("    labels: slots\n", "")
    study = read(tmp_path, text)
    assert study.data[0].options["labels"] == "slots"
    assert study.data[0].options["task"] == "tagging"
    assert study.defaults == {"encoder": "tiny", "samples": 8, "batch_size": 8}


def test_an_arm_with_training_may_say_what_is_trained(tmp_path: Path) -> None:
    text = TEXT.replace("    agent: ppo\n", "    agent: ppo\n    tune: lora\n    lora_rank: 4\n")
    arm = read(tmp_path, text).arm_named("then PPO")
    assert (arm.of, arm.tune) == (None, None)
    assert (arm.options["tune"], arm.options["lora_rank"]) == ("lora", 4)


FILES = """\
    train: part/a.jsonl
    dev: /else/b.jsonl
    test: hf:some/name
"""


def test_files_begin_in_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = TEXT.replace("    corpus: synthetic:commands\n", FILES)
    monkeypatch.delenv("LINGYM_DATA", raising=False)
    options = read(tmp_path, text).data[0].options
    assert options["train"] == str(tmp_path / "part/a.jsonl")
    assert (options["dev"], options["test"]) == ("/else/b.jsonl", "hf:some/name")
    monkeypatch.setenv("LINGYM_DATA", "/sets")
    assert read(tmp_path, text).data[0].options["train"] == "/sets/part/a.jsonl"
    given = read_study(tmp_path / "study.yaml", "/given")
    assert given.data[0].options["train"] == "/given/part/a.jsonl"
    assert sources(given.data[0], tmp_path)["test"] == "hf:some/name"


def test_a_table_may_be_merged_into_others(tmp_path: Path) -> None:
    text = TEXT.replace("  supervised:\n", "  supervised: &first\n").replace(
        "  then PPO:\n    start: warm\n    agent: ppo\n",
        "  then PPO:\n    <<: *first\n    agent: ppo\n",
    )
    arm = read(tmp_path, text).arm_named("then PPO")
    assert (arm.start, arm.options["agent"]) == ("warm", "ppo")
    assert arm.grid == {"learning_rate": (2e-5, 5e-5)}


WRONG = {
    "unknown top": ("measures: 5", "measure: 5", 4, "'measure': did you mean measures"),
    "missing": ("name: small\n", "", 1, "must say its name"),
    "twice": ("measures: 5", "measures: 5\nmeasures: 6", 5, "'measures' twice"),
    "not yaml": ("measures: 5", "measures: [5", 5, "not YAML"),
    "no number": ("measures: 5", "measures: many", 4, "whole number from 1, got 'many'"),
    "seeds": ("[0, 1, 2]", "[0, 1, 1]", 2, "each once, got [0, 1, 1]"),
    "bool seed": ("[0, 1, 2]", "[0, true]", 2, "a seed must be a whole number from 0, got 'true'"),
    "tune_seeds": ("measures: 5", "tune_seeds: 4", 4, "tune_seeds is 4, of 3 seeds"),
    "default": ("batch_size: 8", "batch_sice: 8", 3, "'batch_sice': did you mean batch_size"),
    "default of none": ("batch_size: 8", "alpha: 0.1", 3, "no arm's agent has a use for alpha"),
    "episodes": ("batch_size: 8", "episodes: 8", 3, "cannot say episodes: the passes"),
    "type": ("batch_size: 8", "batch_size: 8.5", 3, "batch_size must be a whole number, got 8.5"),
    "range": ("train_limit: 100", "train_limit: 0", 10, "--train-limit must be 1 or more, got 0"),
    "task": ("task: tagging", "task: tags", 7, "task must be one of tagging, classification"),
    "no task": ("    task: tagging\n", "", 7, "'commands' must say its task"),
    "text": ("labels: slots", "labels: 3", 9, "labels must be text or null, got 3"),
    "column": ("labels: slots", "question: slots", 7, "task tagging has no use for --question"),
    "corpus": ("synthetic:commands", "commands", 7, "corpus must be synthetic:NAME or hf:NAME"),
    "null": ("corpus: synthetic:commands", "test: ~", 7, "test must be a text, got null"),
    "no test": ("corpus: synthetic:commands", "train: a.jsonl", 7, "has no test texts"),
    "two tests": ("warm: 200", "warm: 200\n    test_from_train: 9", 14, "train file, and no test"),
    "seed of no cut": ("warm: 200", "warm: 200\n    cut_seed: 9", 14, "cut_seed wants one of"),
    "two devs": ("warm: 200", "warm: 200\n    dev_from_train: 9", 14, "wants a train file"),
    "arm of data": ("{then PPO: {samples", "{then PPP: {samples", 15, "did you mean then PPO"),
    "data option": ("{samples: 4}", "{sample: 4}", 15, "did you mean samples"),
    "data range": ("{samples: 4}", "{samples: 0}", 15, "arm 'then PPO': --samples must be 1"),
    "data agent": ("{samples: 4}", "{agent: ppo}", 15, "cannot say agent"),
    "no passes": ("    more: 100\n", "", 7, "must say more"),
    "no warm": ("    warm: 200\n", "", 7, "must say warm"),
    "arm name": ("  tuned: {of", "  SUPERVISED: {of", 21, "would have one folder, supervised"),
    "reserved": ("  tuned: {of", "  warm: {of", 21, "'warm' cannot be a name"),
    "of": ("{of: supervised", "{of: supervise", 21, "did you mean supervised"),
    "of alone": (", tune: bias+temperature", "", 21, "has of alone"),
    "tune": ("bias+temperature", "bias+temperatures", 21, "did you mean temperature"),
    "trained tune": ("of: supervised,", "of: supervised, samples: 2,", 21, "leave out samples"),
    "only": ("bias+temperature", "bias, only: [comands]", 21, "did you mean commands"),
    "start": ("start: nothing", "start: cold", 27, "must be warm or nothing, got 'cold'"),
    "arm option": ("kl_coef: 0", "kl_coeff: 0", 30, "did you mean kl_coef"),
    "arm reads": ("kl_coef: 0", "labels: slots", 30, "that is for a data set to say"),
    "arm draws": ("kl_coef: 0", "limit_seed: 1", 30, "that is for a data set to say"),
    "grid draws": ("learning_rate: [1e-4]", "limit_seed: [1]", 31, "for a data set to say"),
    "no agent": ("    agent: reinforce\n", "", 27, "must say its agent"),
    "foreign": ("kl_coef: 0", "n_epochs: 2", 30, "--n-epochs is for --agent ppo, not reinforce"),
    "reward": ('"0.5*{corpus}', '"0.5*{korpus}', 29, "has no reward {korpus}, which arm 'from"),
    "reward text": ("+0.5*{metric}", "+0.5*acuracy", 29, "unknown reward 'acuracy'"),
    "reward of data": ("corpus_f1}", "corpus_f2}", 29, "unknown reward 'corpus_f2'"),
    "grid twice": ("samples: [2, ", "samples: [4, ", 31, "samples must have one or more values"),
    "grid and fixed": ("kl_coef: 0", "samples: 3", 31, "samples both fixed and in its grid"),
    "grid empty": ("samples: [2, ", "alpha: [], samples: [2, ", 31, "alpha must have one or more"),
    "grid value": ("learning_rate: [1e-4]", "learning_rate: [x]", 31, "must be a number or null"),
    "grid range": ("learning_rate: [1e-4]", "learning_rate: [-1]", 31, "must be above 0"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_told_with_its_line(case: str, tmp_path: Path) -> None:
    before, after, line, words = WRONG[case]
    assert TEXT.count(before) >= 1
    with pytest.raises(ValueError) as caught:
        read(tmp_path, TEXT.replace(before, after, 1))
    assert str(caught.value).startswith(f"{tmp_path / 'study.yaml'}:{line}: ")
    assert words in str(caught.value)


def test_the_first_arm_is_run_on_all_data(tmp_path: Path) -> None:
    text = TEXT.replace("arms:\n  supervised:\n", "arms:\n  supervised:\n    only: [other]\n")
    other = TEXT[TEXT.index("  commands:\n") : TEXT.index("    arms: {then")]
    text = text.replace("data:\n", f"data:\n{other.replace('commands:', 'other:', 1)}", 1)
    text = text.replace("tune: bias+temperature", "tune: bias, only: [other]")
    with pytest.raises(ValueError, match="is not run on commands"):
        read(tmp_path, text)


SHARES = "shares: {of: [commands], arms: [supervised, tuned], gold: [0.05, 0.2], least: 50}\n"
WRONG_SHARES = {
    "all": ("0.2", "1.0", "above 0 and below 1"),
    "twice": ("0.2", "0.05", "0.05 twice"),
    "arm": ("tuned", "tunde", "did you mean tuned"),
    "data": ("[commands]", "[comands]", "did you mean commands"),
    "without its runs": ("[supervised, tuned]", "[tuned]", "name it as well"),
}


def test_shares_are_read(tmp_path: Path) -> None:
    shares = read(tmp_path, TEXT + SHARES).shares
    assert shares is not None
    assert (shares.of, shares.arms) == (("commands",), ("supervised", "tuned"))
    assert (shares.gold, shares.least) == ((0.05, 0.2), 50)


@pytest.mark.parametrize("case", WRONG_SHARES)
def test_wrong_shares_are_told(case: str, tmp_path: Path) -> None:
    before, after, words = WRONG_SHARES[case]
    with pytest.raises(ValueError, match=rf"study.yaml:32: .*{words}"):
        read(tmp_path, TEXT + SHARES.replace(before, after))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "study.yaml:1: the file is empty"),
        (b"- 1\n", "study.yaml:1: a study must be a table"),
        (b"name: \xff\n", "wanted UTF-8"),
        (b"name: a\n---\nname: b\n", "study.yaml:2: not YAML"),
        (b"1: a\n", "study.yaml:1: a study has a name that is not text, '1'"),
        (b"name: *x\n", "study.yaml:1: not YAML: found undefined alias"),
    ],
)
def test_a_file_that_is_no_study(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_bytes(content)
    with pytest.raises(ValueError, match=words):
        read_study(tmp_path / "study.yaml")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.yaml: cannot be read"):
        read_study(tmp_path / "none.yaml")
