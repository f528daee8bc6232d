"""A tiny masked-language model, trained in seconds on sentences of a made-up world."""

from pathlib import Path

import numpy as np
import torch
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

from lingym.envs.corpora import Corpus, Record
from lingym.envs.tokenizer import SPECIAL, train_tokenizer

GOOD = ("bright", "lovely", "funny", "clever")
BAD = ("dull", "awful", "boring", "silly")
THINGS = ("film", "play", "song", "book")
PATTERN = "{text} it was {mask} ."
WORDS = {"negative": ("bad", "poor"), "positive": ("good", "great")}


def sentence(random: np.random.Generator) -> tuple[str, str]:
    """A text about a thing, and how it was."""
    label = ("negative", "positive")[int(random.integers(2))]
    words = GOOD if label == "positive" else BAD
    thing, one, two = random.choice(THINGS), *random.choice(words, 2)
    return f"the {thing} is {one} and {two}", label


def made_corpus(count: int, seed: int) -> Corpus:
    """Texts with their labels, a third of them to learn from."""
    random = np.random.default_rng(seed)
    rows = [
        Record(dict(zip(("text", "label"), sentence(random), strict=True)), "made", (place,))
        for place in range(count)
    ]
    third = count // 3
    return Corpus(tuple(rows[:third]), tuple(rows[third : 2 * third]), tuple(rows[2 * third :]), {})


def save_masked(folder: Path, steps: int = 150) -> None:
    """Train the model on full sentences, each with the word after "it was" left out, and save it.

    The words of `WORDS` stand there; no text of `made_corpus` holds them.
    """
    random = np.random.default_rng(7)
    texts = []
    for _ in range(400):
        text, label = sentence(random)
        texts.append(f"{text} it was {random.choice(WORDS[label])} .")
    tokenizer = train_tokenizer(texts)
    special = {f"{role}_token": token for role, token in SPECIAL.items()}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=64,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        model = BertForMaskedLM(config)
        ids = torch.tensor([tokenizer.encode(text).ids for text in texts])
        blank = ids[:, -3].clone()  # before the full stop and the separator
        ids[:, -3] = tokenizer.token_to_id("[MASK]") or 0
        optimizer = torch.optim.Adam(model.parameters(), 3e-3)
        for _ in range(steps):
            rows = torch.randint(len(ids), (32,))
            logits = model(input_ids=ids[rows]).logits[:, -3]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(logits, blank[rows]).backward()
            optimizer.step()
    model.save_pretrained(folder)
