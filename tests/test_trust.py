"""What can run code stands in the package where this list says, and nowhere else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOMS = ("agents", "envs", "lingym", "policies", "rewards", "scripts")

ALLOWED = {
    ("rewards/own.py", "exec"): "a user's own reward file, named on the command line or in Python",
    ("rewards/own.py", "compile"): "of the same file",
    ("rewards/own.py", "import_module"): "a user's own reward module, named in the same way",
    ("rewards/own.py", "module_from_spec"): "of the same file",
    ("rewards/own.py", "spec_from_file_location"): "of the same file",
    ("lingym/__init__.py", "import_module"): "a room of lingym itself, by a name in its own table",
    ("scripts/compare/texts.py", "pickle"): "a study's texts, under the mark of the user's own key",
}
"""Where such a thing stands, and whose code it can run."""

MODULES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
CALLS = {"eval", "exec", "compile", "__import__", "import_module", "run_path", "run_module"}
CALLS |= {"spec_from_file_location", "module_from_spec", "exec_module", "unsafe_load", "full_load"}
METHODS = {  # of a library, by the names it goes by
    **{("torch", name): f"torch.{name}" for name in ("load", "save")},
    **{("yaml", name): f"yaml.{name}" for name in ("load", "load_all")},
    **{("os", name): f"os.{name}" for name in ("system", "popen")},
    **{("hub", name): f"torch.hub.{name}" for name in ("load", "load_state_dict_from_url")},
    **{("jit", name): f"torch.jit.{name}" for name in ("load",)},
}
AUTO = ("from_pretrained", "from_config")


def found(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and name of each thing that can run code."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Import | ast.ImportFrom):
            named = [alias.name for alias in node.names]
            modules = named if isinstance(node, ast.Import) else [node.module or ""]
            yield from ((line, top) for m in modules if (top := m.partition(".")[0]) in MODULES)
            if isinstance(node, ast.ImportFrom):
                pairs = [((node.module or "").rpartition(".")[2], name) for name in named]
                yield from ((line, METHODS[pair]) for pair in pairs if pair in METHODS)
        elif isinstance(node, ast.keyword):
            off = isinstance(node.value, ast.Constant) and node.value.value is False
            if node.arg in ("trust_remote_code", "allow_pickle", "shell") and not off:
                yield line, node.arg
        elif isinstance(node, ast.Call):
            yield from ((line, what) for what in _of_call(node))


def _of_call(call: ast.Call) -> Iterator[str]:
    function, given = call.func, {keyword.arg for keyword in call.keywords}
    if isinstance(function, ast.Name) and function.id in CALLS:
        yield function.id
    if not isinstance(function, ast.Attribute):
        return
    owner = function.value
    of = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
    if function.attr in CALLS and of != "re" and function.attr not in ("eval", "compile"):
        yield function.attr
    if (of, function.attr) in METHODS:
        yield METHODS[of, function.attr]
    if of in ("np", "numpy") and function.attr == "load" and "allow_pickle" not in given:
        yield "np.load"
    if of.startswith("Auto") and function.attr in AUTO and "trust_remote_code" not in given:
        yield f"{of}.{function.attr}"


def files(root: Path) -> list[Path]:
    """The source of the package; the links of lingym/ lead to rooms that are walked themselves."""
    tops = [root / room for room in ROOMS]
    links = {path for path in (root / "lingym").iterdir() if path.is_symlink()}
    every = [file for top in tops for file in top.rglob("*.py")]
    return [file for file in every if not links & {*file.parents}]


def test_what_can_run_code_stands_on_the_list_and_nothing_else_does(root: Path) -> None:
    places: dict[tuple[str, str], list[int]] = {}
    for file in files(root):
        name = file.relative_to(root).as_posix()
        for line, what in found(ast.parse(file.read_text(encoding="utf-8"))):
            places.setdefault((name, what), []).append(line)
    unknown = {place: lines for place, lines in places.items() if place not in ALLOWED}
    assert not unknown, f"these can run code, and are not on the list: {unknown}"
    assert not ALLOWED.keys() - places.keys(), "the list has more than there is"


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import pickle", "pickle"),
        ("from pickle import loads", "pickle"),
        ("import joblib.numpy_pickle", "joblib"),
        ("import torch\ntorch.load(f)", "torch.load"),
        ("from torch import load", "torch.load"),
        ("torch.hub.load('a', 'b')", "torch.hub.load"),
        ("np.load(f)", "np.load"),
        ("np.load(f, allow_pickle=True)", "allow_pickle"),
        ("np.load(f, allow_pickle=flag)", "allow_pickle"),
        ("eval(text)", "eval"),
        ("exec(text)", "exec"),
        ("__import__(text)", "__import__"),
        ("importlib.import_module(text)", "import_module"),
        ("yaml.load(text)", "yaml.load"),
        ("yaml.unsafe_load(text)", "unsafe_load"),
        ("M.from_pretrained(p, trust_remote_code=True)", "trust_remote_code"),
        ("M.from_pretrained(p, trust_remote_code=flag)", "trust_remote_code"),
        ("AutoModel.from_pretrained(p)", "AutoModel.from_pretrained"),
        ("subprocess.run(x, shell=True)", "shell"),
        ("os.system(x)", "os.system"),
    ],
)
def test_the_walk_sees_what_it_should(source: str, what: str) -> None:
    assert what in {each for _, each in found(ast.parse(source))}


@pytest.mark.parametrize(
    "source",
    [
        "np.load(f, allow_pickle=False)",
        "yaml.safe_load(text)",
        "re.compile(text)",
        "model.eval()",
        "AutoModel.from_pretrained(p, trust_remote_code=False)",
        "Labeller.load(f)",
    ],
)
def test_the_walk_leaves_the_rest_alone(source: str) -> None:
    assert not [*found(ast.parse(source))]
