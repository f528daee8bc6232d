"""Back-translation: a text in another language and back, by models that the user names."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lingym.envs.augment.base import WordAugmentation
from lingym.envs.augment.words import Text, split
from lingym.trusted import check_folder, read_json
from lingym.trusted_config import check_config

Translate = Callable[[str], Sequence[str]]
"""From a text to translations of it, the best first; none where the model cannot."""

KEPT = 1 << 16
"""Translations that are remembered."""


class BackTranslation(WordAugmentation):
    """A text translated there and back (Sennrich et al., 2016, https://aclanthology.org/P16-1009;
    of texts to be classified: Xie et al., 2020, https://arxiv.org/abs/1904.12848).

    The best translation there is translated back by beam search, and one of the beams is drawn:
    what differs between copies comes from the generator that everything else is drawn by. A text
    that is longer than what a model reads, or whose translation does not end, stays as it is.

    Args:
        rate: how probable it is that a text is translated; of a document, each sentence.
        there: a folder or Hugging Face name of a sequence-to-sequence model, or a function.
        back: likewise, of the model that leads back.
        beams: width of the search back, and so how many translations there are to draw from.
    """  # noqa: D205

    name: ClassVar[str] = "backtranslation"
    tasks: ClassVar[tuple[str, ...]] = ("classification", "multilabel", "sentences")
    why: ClassVar[str] = (
        "its gold labels belong to words, or to what must be found in the text, and a translation "
        "moves or loses these"
    )

    def __init__(
        self, rate: float, there: str | Translate, back: str | Translate, beams: int = 4
    ) -> None:
        super().__init__(rate)
        if type(beams) is not int or beams < 1:
            raise ValueError(f"beams must be a whole number from 1 on, got {beams!r}")
        forth = translator(there, 1) if isinstance(there, str) else there
        again = translator(back, beams) if isinstance(back, str) else back

        @lru_cache(KEPT)
        def translations(text: str) -> tuple[str, ...]:
            for abroad in forth(text)[:1]:
                return tuple(home for home in again(abroad) if home.split())
            return ()

        self.translations = translations

    def change(self, words: Text, rng: np.random.Generator) -> Text:
        """The words of a translation."""
        if not self.draw(1, rng)[0]:
            return words
        found = self.translations("".join(word.before + word.text for word in words).strip())
        return split(found[rng.integers(len(found))]) if found else words


@lru_cache(8)
def translator(name: str, beams: int) -> Translate:
    """A sequence-to-sequence model by beam search.

    Args:
        name: a folder or a Hugging Face name.
        beams: width of the search, and translations of a text.

    Raises:
        ValueError: there is no such model.
    """
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer  # torch comes with it

    folder = Path(name)
    try:
        if folder.is_dir():
            check_folder(folder)
            check_config(read_json(folder / "config.json"), folder / "config.json")
        tokenizer: Any = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        model: Any = AutoModelForSeq2SeqLM.from_pretrained(
            name, trust_remote_code=False, use_safetensors=True
        ).eval()
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{name!r} is no sequence-to-sequence model that can be loaded: {error}"
        ) from error
    longest = min(
        tokenizer.model_max_length,
        getattr(model.config, "max_position_embeddings", None) or tokenizer.model_max_length,
    )
    end = model.generation_config.eos_token_id

    def translate(text: str) -> list[str]:
        given = tokenizer([text], return_tensors="pt")
        count = given["input_ids"].shape[1]
        room = min(2 * count + 16, longest - 1)
        if count > longest:
            return []
        found = model.generate(
            input_ids=given["input_ids"],
            attention_mask=given["attention_mask"],
            max_new_tokens=room,
            num_beams=beams,
            num_return_sequences=beams,
            do_sample=False,
        ).tolist()
        ended = [ids for ids in found if end in ids[1:] and ids[1:].index(end) < room - 1]
        return [text.strip() for text in tokenizer.batch_decode(ended, skip_special_tokens=True)]

    return translate
