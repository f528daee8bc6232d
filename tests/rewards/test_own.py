"""Rewards of the user's own: from a file, a module, or another package."""

import copy
import pickle
import sys
import textwrap
from dataclasses import replace

import numpy as np
import pytest

from lingym.rewards import Accuracy, EntityF1, from_function, from_spec
from lingym.rewards.own import files, mark, unmark
from lingym.types import LabelSpace

AB = LabelSpace(("a", "b"))
FILE = """
    from dataclasses import dataclass
    from functools import partial

    import numpy as np

    from lingym.rewards import Accuracy, Reward
    from lingym.rewards.wrapper import Wrapper


    def worth(predicted, gold):
        return 2.0 * (predicted == gold)


    def priced(predicted, gold, *, price=0.5, wanted="a"):
        return 1 - price * predicted.count(wanted)


    def share(labelings, *, times=1):
        return times * (labelings.labels == 0).sum(1)


    @dataclass(eq=False)
    class Mine(Wrapper):
        price: float = 0.25
        loud: bool = False
        name = "mine"

        def score(self, labelings):
            return self.reward.score(labelings) - self.price


    class Plain(Reward):
        sparse = True

        def __init__(self, floor, most: float = 1.0):
            self.floor, self.most = floor, most

        def score(self, labelings):
            return np.where(self.scored(labelings), self.floor, 0.0)


    ready = Accuracy(dense=False)
    LIST = [worth]
    half = partial(priced, price=0.0)

    class NoReward:
        pass

    def three(a, b, c):
        return 0.0
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(textwrap.dedent(FILE))
    (tmp_path / "two words").mkdir()
    (tmp_path / "two words" / "my-rewards.py").write_text(textwrap.dedent(FILE))
    return tmp_path


@pytest.fixture
def given(labelings):
    return labelings([["a", "b"], ["a", "a"], ["b"]], [["a", "b"], ["b", "b"], ["b"]], AB.names)


def scores(text, given):
    reward = from_spec(text)
    reward.bind(AB)
    return reward.score(given).tolist()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("mine.py:worth", [2, 0, 2]),
        ("./mine.py:worth", [2, 0, 2]),
        ("0.5*mine.py:worth+0.3*accuracy(dense=False)", [1.3, 0, 1.3]),
        ("accuracy(dense=False)+-1*mine.py:worth", [-1, 0, -1]),
        ("mine.py:priced", [0.5, 0, 1]),
        ("mine.py:priced(price=1, wanted='b')", [0, 1, 0]),
        ("mine.py:share", [1, 2, 0]),
        ("2*mine.py:share(times=2)", [4, 8, 0]),
        ("mine.py:Mine(accuracy)", [0.75, -0.25, 0.75]),
        ("mine.py:Mine(accuracy, price=1)", [0, -1, 0]),
        ("mine.py:Mine(mine.py:Mine(accuracy))", [0.5, -0.5, 0.5]),
        ("mine.py:Mine(reward=mine.py:worth)", [1.75, -0.25, 1.75]),
        ("mine.py:Plain(floor=3)", [3, 3, 3]),
        ("mine.py:ready", [1, 0, 1]),
        ("mine.py:half", [1, 1, 1]),
        ('"two words/my-rewards.py":worth', [2, 0, 2]),
        ("0.5*'two words/my-rewards.py':worth(  )", [1, 0, 1]),
    ],
)
def test_what_a_file_names_is_found_and_written_back(text, wanted, folder, given):
    assert scores(text, given) == pytest.approx(wanted)
    reward = from_spec(text)
    assert repr(from_spec(str(reward))) == repr(reward) or "Plain" in text
    assert scores(str(reward), given) == pytest.approx(wanted)
    for again in (copy.deepcopy(reward), pickle.loads(pickle.dumps(reward))):
        again.bind(AB)
        assert again.score(given).tolist() == pytest.approx(wanted)
        assert str(again) == str(reward)


def test_the_text_is_kept_and_so_is_the_name(folder):
    reward = from_spec("0.5 * mine.py:Mine( accuracy,price = 0.1 ) + mine.py:worth")
    assert str(reward) == "0.5*mine.py:Mine(accuracy, price=0.1)+1.0*mine.py:worth"
    assert [part.name for part in reward.inner] == ["mine", "worth"]
    assert from_spec("mine.py:Plain(floor=1)").name == "Plain"
    assert str(from_spec("'two words/my-rewards.py':ready")) == '"two words/my-rewards.py":ready'


def test_a_file_is_run_once_and_again_when_it_changed(folder):
    file = folder / "count.py"
    file.write_text("import builtins\nbuiltins.runs.append(1)\ndef f(a, b):\n    return 1.0\n")
    import builtins

    builtins.runs = []
    first = from_spec("count.py:f")
    assert from_spec("0.5*count.py:f+count.py:f").inner[0].function is first.function
    assert len(builtins.runs) == 1
    file.write_text(file.read_text().replace("1.0", "2.0"))
    assert from_spec("count.py:f").function([], []) == 2.0
    assert first.function([], []) == 1.0
    del builtins.runs
    assert not list(folder.glob("__pycache__"))


def test_a_reward_that_is_ready_is_not_shared(folder):
    one, other = from_spec("mine.py:ready"), from_spec("mine.py:ready")
    one.bind(AB)
    other.bind(LabelSpace(("x", "y")))
    assert one is not other


def test_a_module_is_named_by_its_path(tmp_path, monkeypatch, given):
    package = tmp_path / "lingym_test_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "rewards.py").write_text("def worth(predicted, gold):\n    return 3.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    text = "2*lingym_test_package.rewards:worth"
    assert scores(text, given) == [6, 6, 6]
    assert str(from_spec(text)) == "2.0*lingym_test_package.rewards:worth"
    for name in [n for n in sys.modules if n.startswith("lingym_test_package")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("gone.py:worth", "gone.py: there is no such file"),
        ("mine.py:wort", "mine.py has no 'wort': it defines worth, priced, share, Mine, Plain"),
        ("mine.py:LIST", "mine.py:LIST is a list: wanted a function of (predicted, gold) or of "),
        ("mine.py:NoReward", "mine.py:NoReward is NoReward: wanted a function"),
        ("mine.py:three", "function three takes a, b, c: wanted two arguments"),
        ("mine.py:worth(price=1)", "mine.py:worth has no setting 'price': it has none"),
        ("mine.py:priced(cost=1)", "mine.py:priced has no setting 'cost': it has price, wanted"),
        ("mine.py:ready(dense=True)", "mine.py:ready is a reward already and takes no settings"),
        ("mine.py:Mine", "mine.py:Mine stands around a reward, such as mine.py:Mine(accuracy)"),
        ("mine.py:Mine(accuracy, loud=1)", "mine.py:Mine: loud is 1, not True or False"),
        ("mine.py:Plain", "mine.py:Plain needs floor=..., which has no default"),
        ("mine.py:worth*mine.py:worth", "mine.py:worth * mine.py:worth multiplies two rewards"),
        ('"two words/my-rewards.py":x', "two words/my-rewards.py has no 'x'"),
        ("raises.py:worth", "raises.py:3: KeyError: 'x'"),
        ("wrong.py:worth", "wrong.py:2: SyntaxError: "),
        ("no.such.module:worth", "module no.such.module cannot be imported: ModuleNotFoundError"),
        ("mine:worth(", "is not an expression"),
    ],
)
def test_what_is_wrong_is_told(text, cause, folder):
    (folder / "raises.py").write_text("def f():\n    pass\n{}['x']\n")
    (folder / "wrong.py").write_text("def f():\n    return ]\n")
    with pytest.raises(ValueError) as caught:
        from_spec(text)
    assert cause in str(caught.value)
    assert repr(text) in str(caught.value)
    assert "own[" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("f1(label='a.py:b')", "f1(label='a.py:b')"),
        ('f1(label="a\\"b:c")', 'f1(label="a\\"b:c")'),
        ('by_kind(**{"sst-2":accuracy})', 'by_kind(**{"sst-2":accuracy})'),
        ('by_kind(**{"sst-2":a-b/c.py:f})', "by_kind(**{\"sst-2\":own['a-b/c.py:f']})"),
        ("0.7*~/x.y.py:f+b:g", "0.7*own['~/x.y.py:f']+own['b:g']"),
    ],
)
def test_only_places_are_marked(text, marked):
    assert mark(text) == marked
    assert unmark(marked) == text


def test_the_files_of_a_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = files('a.py:f+0.5*b/c.py:g(accuracy)+a.py:h+module.x:f+"d e.py":k')
    assert found == [tmp_path / "a.py", tmp_path / "b" / "c.py", tmp_path / "d e.py"]
    assert files("0.5*accuracy") == []


@pytest.mark.parametrize(
    ("function", "found"),
    [
        (lambda labelings: np.zeros(2), "gave float64 [2] for 3 episodes: wanted one number each"),
        (lambda labelings: 1.0, "gave float64 [] for 3 episodes"),
        (lambda labelings: ["a"] * 3, "gave <U1 [3] for 3 episodes"),
    ],
)
def test_a_function_of_arrays_gives_a_number_each(function, found, given):
    reward = from_function(function)
    with pytest.raises(RuntimeError) as caught:
        reward.score(given)
    assert found in str(caught.value)


def test_a_function_of_arrays_sees_complete_episodes_only(given):
    seen = []

    def count(labelings):
        seen.append(labelings.examples.tolist())
        return labelings.lengths

    given.labels[1, 1] = -1
    begun = replace(given, decided=np.array([2, 1, 1], np.int32), lengths=np.array([2, 2, 1]))
    given_back = from_function(count).score(begun)
    assert seen == [[0, 2]]
    assert given_back.tolist() == [2.0, 0.0, 1.0]


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package with rewards, as an installer leaves it."""

    def install(entries, package="some-rewards", module="lingym_test_plugin"):
        folder = tmp_path / package
        info = folder / f"{package.replace('-', '_')}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        lines = "".join(f"{name} = {value}\n" for name, value in entries.items())
        (info / "entry_points.txt").write_text(f"[lingym.rewards]\n{lines}")
        (folder / f"{module}.py").write_text(textwrap.dedent(FILE))
        monkeypatch.syspath_prepend(folder)

    yield install
    sys.modules.pop("lingym_test_plugin", None)


def test_a_package_brings_rewards(installed, given, capsys):
    installed({"theirs": "lingym_test_plugin:Mine", "worth": "lingym_test_plugin:worth"})
    assert scores("theirs(accuracy, price=1)+worth", given) == [2, -1, 2]
    text = "2.0*theirs(entity_f1, price=1)+1.0*worth"
    assert str(from_spec(text)) == text
    assert repr(from_spec("theirs(accuracy)").reward) == repr(Accuracy())
    with pytest.raises(ValueError, match=r"known are .*theirs.*, worth$"):
        from_spec("their")

    from lingym.scripts.cli import main

    main(["rewards"])
    listed = capsys.readouterr().out
    assert "theirs(reward, price=0.25, loud=False)" in listed
    assert "lingym_test_plugin:worth of some-rewards 1.2" in listed


def test_a_name_that_is_taken_is_refused_and_only_that(installed, capsys):
    installed({"accuracy": "lingym_test_plugin:Mine", "broken": "lingym_test_plugin:gone"})
    with pytest.raises(ValueError) as caught:
        from_spec("accuracy")
    assert (
        "two rewards are called 'accuracy': the built-in Accuracy and lingym_test_plugin:Mine of "
        "some-rewards 1.2" in str(caught.value)
    )
    assert repr(from_spec("entity_f1")) == repr(EntityF1())
    with pytest.raises(
        ValueError, match="reward 'broken', lingym_test_plugin:gone of some-rewards"
    ):
        from_spec("broken")

    from lingym.scripts.cli import main

    main(["rewards"])
    listed = capsys.readouterr().out
    assert "its name is that of a built-in reward" in listed
    assert listed.count("cannot be used") == 2


def test_two_packages_cannot_share_a_name(installed):
    installed({"theirs": "lingym_test_plugin:Mine"})
    installed({"theirs": "other:Mine"}, package="other-rewards", module="other")
    with pytest.raises(ValueError) as caught:
        from_spec("theirs")
    assert "two packages have a reward 'theirs'" in str(caught.value)
    assert "some-rewards 1.2" in str(caught.value)
    assert "other-rewards 1.2" in str(caught.value)
