"""Writes the corpus ``synthetic:abstracts``: abstracts, their sentences' roles, and summaries.

Each record holds ``id``, ``title``, ``sentences``, their ``labels`` (the role of each, one of
`ROLES`), a ``summary`` (a list of one text), ``references`` (1 to 3 such texts, the summary among
them), and as ``oracle`` a 1 for the one sentence that the summary is made from and 0 for the rest.

Roles follow each other as in real abstracts, and some sentences may have several: what "works well"
before the aim is background, and after the method a result. The sentence to be summarised may have
any role but other; it says of itself that it is the main point, and other sentences, in the same
words, that they are not. A summary has its words without that phrase, and shares most n-grams with
it alone.

Noise gives one sentence another role, and, drawn apart and just as likely, moves the 1 of
``oracle`` to another sentence.
"""

from lingym.envs.corpora.grammar import Draw, Fields, Grammar, fill, uniform

ROLES = ("background", "objective", "method", "result", "other")
"""The roles of sentences (Cohan et al., 2019: CSAbstruct)."""

_SHARED = (
    "{m} (works well|does well) on {t}",
    "{m} is (often|) (too slow|fast enough) for {t}",
    "{t} (needs|depends on) {d}",
    "{m} is (better|worse) than {n} on {t}",
)
_SENTENCES: dict[str, tuple[str, ...]] = {
    "background": (
        "{t} is (a hard problem|an old problem|of great interest)",
        "much work on {t} uses {m}",
        *_SHARED,
    ),
    "objective": (
        "we (ask|study) whether {m} helps {t}",
        "this (paper|work) aims at {t} without {d}",
        "we want to know (how|why) {m} fails on {d}",
    ),
    "method": (
        "we (train|combine) {m} (with|and) {n} on {d}",
        "{m} is (trained|tuned) on {d}",
        "we (replace|extend) {n} by {m} for {t}",
    ),
    "result": (
        "we (show|find) that {m} beats {n} on {t}",
        "(accuracy|speed) on {t} rises by {p} percent with {m}",
        *_SHARED,
    ),
    "other": (
        "(our code|all data) will be released",
        "the work was (funded|supported) by a grant",
    ),
}
_MARKS = (
    "Above all, {s}",
    "One main point, no detail: {s}",
    "Mainly and not in passing, {s}",
)
_DECOYS = (
    "{s}",
    "In general, {s}",
    "One detail, no main point: {s}",
    "In passing and not mainly, {s}",
)
_PARAPHRASES = ("{s}.", "it turns out that {s}.", "{s}, as this work says.", "here {s}.")
_VALUES = {
    "t": "parsing, translation, tagging, summarisation, retrieval, question answering, "
    "speech recognition, text search, dialogue, spelling correction, planning, alignment",
    "m": "beam search, a small network, attention, a rule list, a large model, self-training, "
    "clustering, a linear model, dropout, distillation, a decision tree, reranking",
    "d": "news text, labelled data, old letters, web pages, long documents, noisy speech, "
    "legal texts, short messages, medical notes, source code",
}


def _write(draw: Draw, split: str) -> Fields:
    roles = _roles(draw)
    key = uniform([i for i, role in enumerate(roles) if role != "other"], draw)
    cores: list[str] = []
    while len(cores) < len(roles):  # no two sentences alike, so the summary has one source
        core = fill(uniform(_SENTENCES[roles[len(cores)]], draw), _values(draw), draw)[0]
        if core not in cores:
            cores.append(core)
    sentences = []
    for i, core in enumerate(cores):
        frame = uniform(_MARKS if i == key else _DECOYS, draw)
        said = core if frame.startswith("{s}") else _lower(core)
        sentences.append(fill(f"{frame}.", {**_values(draw), "s": said}, draw)[0])
    frames = list(_PARAPHRASES)
    references = []
    for _ in range(1 + int(3 * draw())):
        frame = frames.pop(int(len(frames) * draw()))
        references.append(fill(frame, {"s": _lower(cores[key])}, draw)[0])
    topic = _values(draw)
    return {
        "title": fill("(On|Towards|Notes on) {t} (with|without|and) {d}", topic, draw)[0],
        "sentences": sentences,
        "labels": roles,
        "summary": references[:1],
        "references": references,
        "oracle": [int(i == key) for i in range(len(roles))],
    }


def _roles(draw: Draw) -> list[str]:
    """3 to 9 roles, in the usual order but for some results that come first."""
    roles = ["background"] * int(3 * draw())
    roles += ["objective"] * (draw() < 0.8)
    roles += ["method"] * (1 + int(2 * draw()))
    roles += ["result"] * (1 + int(2 * draw()))
    roles += ["other"] * (draw() < 0.3)
    while len(roles) < 3:
        roles.append("result")
    if draw() < 0.1:
        roles.insert(0, "result")
    return roles


def _values(draw: Draw) -> dict[str, str]:
    values = {name: uniform(each.split(", "), draw) for name, each in _VALUES.items()}
    others = [each for each in _VALUES["m"].split(", ") if each != values["m"]]
    return {**values, "n": uniform(others, draw), "p": str(2 + int(30 * draw()))}


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _corrupt(rows: list[Fields], noise: float, draw: Draw) -> None:
    for row in rows:
        places = range(len(row["labels"]))
        if draw() < noise:
            i = uniform(places, draw)
            row["labels"][i] = uniform([each for each in ROLES if each != row["labels"][i]], draw)
        if draw() < noise:
            moved = uniform([i for i in places if not row["oracle"][i]], draw)
            row["oracle"] = [int(i == moved) for i in places]


GRAMMAR = Grammar(_write, lambda fields: " ".join(fields["sentences"]), _corrupt)
"""See the module."""
