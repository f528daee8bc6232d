"""The words that mean a label, where an encoder's own masked-language head is to say it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from lingym.reading import read_json, read_toml
from lingym.types import LabelSpace

Words = Mapping[str, tuple[str, ...]]


def read_verbaliser(source: str) -> dict[str, tuple[str, ...]]:
    """The words of each label.

    Args:
        source: ``positive=great,good negative=bad``, or a .toml or .json file that holds a word, or
            a list of words, by label.

    Raises:
        ValueError: it is neither, the file cannot be read, or a label has no words.
    """
    kind = Path(source).suffix if "=" not in source else ""
    if kind in (".toml", ".json"):
        given = read_toml(source) if kind == ".toml" else read_json(source)
        if not isinstance(given, dict):
            raise ValueError(f"{source} holds {given!r}: wanted words by label")
        return {str(label): _words(source, label, value) for label, value in given.items()}
    found: dict[str, tuple[str, ...]] = {}
    for part in source.split():
        label, sign, words = part.partition("=")
        if not sign or not label or label in found:
            raise ValueError(
                f"verbaliser {source!r}: wanted label=word,word once a label, parted by blanks, or "
                f"a .toml or .json file; got {part!r}"
            )
        found[label] = _words(source, label, words.split(","))
    return found


def word_ids(tokenizer: Tokenizer, space: LabelSpace, words: Words) -> tuple[tuple[int, ...], ...]:
    """The token of each word of each label, in the order of the labels.

    A word is taken as it stands after a blank.

    Raises:
        ValueError: a label has no words or there is no such label, a word is not one token, or it
            means two labels.
    """
    lacking = [name for name in space.names if not words.get(name)]
    unknown = sorted(words.keys() - set(space.names))
    if lacking or unknown:
        told = f"lacks words for {', '.join(lacking)}" if lacking else f"has {unknown[0]!r}"
        raise ValueError(f"the verbaliser {told}; the labels are {', '.join(space.names)}")
    unk = json.loads(tokenizer.to_str())["model"].get("unk_token")
    owner: dict[int, str] = {}
    for label in space.names:
        for word in words[label]:
            read = tokenizer.encode(f" {word}", add_special_tokens=False)
            if len(read.ids) != 1 or read.tokens == [unk]:
                raise ValueError(
                    f"the word {word!r} of {label!r} is no token of its own: the tokenizer reads "
                    f"{' '.join(read.tokens) or 'nothing'}; take another word"
                )
            if owner.setdefault(read.ids[0], label) != label:
                raise ValueError(f"the word {word!r} means {owner[read.ids[0]]!r} and {label!r}")
    return tuple(
        tuple(token for token, name in owner.items() if name == label) for label in space.names
    )


def _words(source: str, label: str, value: Any) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value
    fair = isinstance(given, list) and all(isinstance(w, str) and w.strip() for w in given)
    if not fair or not given:
        raise ValueError(f"verbaliser {source!r}: {label} has {value!r}: wanted words")
    return tuple(word.strip() for word in given)
