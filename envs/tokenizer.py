"""The tokenizer of an environment: an encoder's own, or one trained on the corpus."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from lingym.envs.tokenizer_file import panics, read_tokenizer
from lingym.hub import TINY, encoder_path
from lingym.trusted import check_folder, read_json

SPECIAL = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
USUAL_MASKS = ("[MASK]", "<mask>", "<|mask|>", "<special1>")
USUAL_PADS = ("[PAD]", "<pad>", "<|padding|>", "<|endoftext|>")
UNREAD = ("added_tokens_file", "special_tokens_map_file", "tokenizer_config_file")
"""Entries of a tokenizer's configuration that transformers writes down, and does not follow."""
BLANKS_BEFORE: dict[str, dict[str, object]] = {
    "ByteLevel": {"add_prefix_space": True},
    "Metaspace": {"prepend_scheme": "always"},
}


def train_tokenizer(texts: Iterable[str], vocab_size: int = 4000) -> Tokenizer:
    """A lower-casing WordPiece tokenizer of BERT's form, trained on texts.

    The same texts give the same tokenizer in every process.
    """
    if isinstance(texts, Iterator):
        texts = list(texts)  # else they can be walked twice, and need not be held
    special = list(SPECIAL.values())
    learner = _bert_tokenizer({})
    normalize = learner.normalizer.normalize_str
    letters = sorted({letter for text in texts for letter in normalize(text) if letter.strip()})
    # The trainer numbers the letters inside words in the order of a hash map, another each time,
    # and breaks ties between pieces by these numbers. As special tokens they have fixed ones.
    inner = [f"##{letter}" for letter in letters]
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size, special_tokens=special + inner, show_progress=False
    )
    learner.train_from_iterator(texts, trainer)
    tokenizer = _bert_tokenizer(learner.get_vocab())
    tokenizer.add_special_tokens(special)
    cls, sep = SPECIAL["cls"], SPECIAL["sep"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{cls} $A {sep}",
        pair=f"{cls} $A {sep} $B:1 {sep}:1",
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in (cls, sep)],
    )
    return tokenizer


def _bert_tokenizer(vocab: dict[str, int]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token=SPECIAL["unk"]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def load_tokenizer(name: str, texts: Iterable[str] = ()) -> Tokenizer:
    """The fast tokenizer that belongs to an encoder.

    Args:
        name: ``tiny`` (train one on `texts`), ``minilm``, a folder with a ``tokenizer.json``, or
            a Hugging Face Hub name.
        texts: the training texts, read for ``tiny`` alone.

    Returns:
        A copy of its own, with padding and truncation off: the environment does both, aloud.

    Raises:
        ValueError: the folder's files are torn, or not to be trusted (docs/security.md).
    """
    if name == TINY:
        return train_tokenizer(texts)
    path = encoder_path(name)
    file = Path(path) / "tokenizer.json"
    if Path(path).is_dir():
        check_folder(Path(path))
    if file.is_file():
        check_tokenizer_config(Path(path))
        tokenizer = read_tokenizer(file)
    else:
        # Old checkpoints hold a vocabulary and no tokenizer.json; transformers converts them.
        tokenizer = Tokenizer.from_str(stock_tokenizer(path).backend_tokenizer.to_str())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def stock_tokenizer(path: str) -> Any:
    """The tokenizer of a folder, or of the Hub, as Hugging Face pipelines want it.

    Raises:
        ValueError: its configuration names code, or files that it does not hold.
    """
    from transformers import AutoTokenizer

    if Path(path).is_dir():
        check_folder(Path(path))
        check_tokenizer_config(Path(path))
    return AutoTokenizer.from_pretrained(path, trust_remote_code=False)


def check_tokenizer_config(folder: Path) -> None:
    """Refuse a ``tokenizer_config.json`` that names code, or files by a path of its own.

    Raises:
        ValueError: it does, or cannot be read.
    """
    file = folder / "tokenizer_config.json"
    said = read_json(file) if file.exists() else {}
    if not isinstance(said, dict):
        raise ValueError(f"{file} holds no settings, which are a JSON object")
    if said.get("auto_map"):
        raise ValueError(f"{file} names code (auto_map): a model is data, and none of it is run")
    for name, value in said.items():
        if name.endswith("_file") and name not in UNREAD and value is not None:
            raise ValueError(f"{file} has {name} {value!r}, which is not read: remove the entry")
    listed = said.get("fast_tokenizer_files", [])
    if not isinstance(listed, list) or not all(re.fullmatch(r"[\w.-]+", str(n)) for n in listed):
        raise ValueError(f"{file} has fast_tokenizer_files {listed!r}: wanted names of files in it")


def _with_prefix_space(tokenizer: Tokenizer) -> Tokenizer:
    """The same tokenizer for words, each of which it must see with the blank before it."""

    def spaced(part: object) -> object:
        if isinstance(part, list):
            return [spaced(item) for item in part]
        if not isinstance(part, dict):
            return part
        part = {key: spaced(value) for key, value in part.items()}
        return part | BLANKS_BEFORE.get(str(part.get("type")), {})

    state = json.loads(tokenizer.to_str())
    state["pre_tokenizer"] = spaced(state["pre_tokenizer"])
    return Tokenizer.from_str(json.dumps(state))


@dataclass(frozen=True)
class Pieces:
    """Token ids of the units of one text, without special tokens."""

    ids: list[int]  # [T]
    units: list[int]  # [T] the unit of each token, ascending


class UnitTokenizer:
    """Turns units of text into token ids, and windows of them into what an encoder takes.

    Args:
        tokenizer: a fast tokenizer.

    Attributes:
        prefix: special token ids before a text.
        suffix: special token ids after it.
        separator: special token ids between two texts; empty where the tokenizer has none.
        pad: the padding id.
        mask: the id of the token for a blank; None where the tokenizer has none.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        padding = tokenizer.padding
        # A copy: what a file says of padding and truncation would change or cut texts in silence.
        tokenizer = Tokenizer.from_str(tokenizer.to_str())
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self.tokenizer = tokenizer
        self._words = _with_prefix_space(tokenizer)
        with panics("the tokenizer cannot read the text 'a'"):
            probe = tokenizer.encode("a")
        own = [place for place, special in enumerate(probe.special_tokens_mask) if not special]
        if not own:
            raise ValueError("the tokenizer gives no token for the text 'a'")
        self.prefix = probe.ids[: own[0]]
        self.suffix = probe.ids[own[-1] + 1 :]
        self.separator = (self.suffix or self.prefix)[:1]
        pads = [tokenizer.token_to_id(name) for name in USUAL_PADS]
        found = [pad for pad in pads if pad is not None]
        self.pad: int = padding["pad_id"] if padding else (found[0] if found else 0)
        blanks = {name: tokenizer.token_to_id(name) for name in USUAL_MASKS}
        self._blank = next((name for name, token in blanks.items() if token is not None), "")
        self.mask: int | None = blanks.get(self._blank)

    def __call__(self, units: Sequence[Sequence[str]]) -> list[Pieces]:
        """The tokens of every unit of every text; a unit always has at least one.

        A unit for which the tokenizer has no token (a zero-width space, say) gets its unknown
        token, or else its padding token, so that no label ever loses its unit.
        """
        filler = self._unknown()
        with panics("the tokenizer cannot read these texts"):
            encoded = self._words.encode_batch(
                [list(text) for text in units], is_pretokenized=True, add_special_tokens=False
            )
        return [
            _filled(text.ids, text.word_ids, len(words), filler)
            for text, words in zip(encoded, units, strict=True)
        ]

    def whole(self, texts: Sequence[str]) -> list[Pieces]:
        """The tokens of texts that are one unit each."""
        filler = self._unknown()
        with panics("the tokenizer cannot read these texts"):
            encoded = self.tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [_filled(text.ids, [0] * len(text.ids), 1, filler) for text in encoded]

    def spans(self, words: Sequence[str], whole: bool = False) -> list[tuple[int, int]]:
        """The characters [start, end) of each token of one text, as they stand in its own word.

        Args:
            words: the text, whose tokens are those that a call gives.
            whole: the words are one running text, whose tokens are those of `whole`.
        """
        if whole:
            text = self.tokenizer.encode(" ".join(words), add_special_tokens=False)
            return list(text.offsets) or [(0, 0)]
        text = self._words.encode(list(words), is_pretokenized=True, add_special_tokens=False)
        seen = set(text.word_ids)
        lost = [(word, (0, 0)) for word in range(len(words)) if word not in seen]
        known: list[Any] = [*zip(text.word_ids, text.offsets, strict=True)]
        return [span for _, span in sorted([*known, *lost], key=lambda piece: piece[0])]

    def filled(self, texts: Sequence[str]) -> list[int]:
        """The tokens of texts with a blank between each two.

        Raises:
            ValueError: the tokenizer knows no blank, or a text holds one.
        """
        if len(texts) > 1 and self.mask is None:
            raise ValueError(
                "the tokenizer has no token for a blank to be filled in "
                f"({', '.join(USUAL_MASKS)}), so its encoder cannot be asked by a pattern"
            )
        ids: list[int] = self.tokenizer.encode(
            self._blank.join(texts), add_special_tokens=False
        ).ids
        if self.mask is not None and ids.count(self.mask) != len(texts) - 1:
            raise ValueError(f"a pattern's other words hold the blank itself, {self._blank}")
        return ids

    def _unknown(self) -> int:
        model = json.loads(self.tokenizer.to_str())["model"]
        name = model.get("unk_token")
        # Unigram has no name for it, only its id.
        unknown = model.get("unk_id") if name is None else self.tokenizer.token_to_id(name)
        return self.pad if unknown is None else unknown


def _filled(ids: list[int], units: list[Any], count: int, filler: int) -> Pieces:
    seen = set(units)
    if len(seen) == count:
        return Pieces(ids, units)
    missing = [unit for unit in range(count) if unit not in seen]
    together = sorted(
        [*zip(units, ids, strict=True), *((unit, filler) for unit in missing)],
        key=lambda piece: piece[0],
    )
    return Pieces([token for _, token in together], [unit for unit, _ in together])
