"""Back-translation through a tiny random model, as the command line names it."""

import numpy as np
import pytest

from lingym.envs import Classification
from lingym.envs.augment import from_spec
from lingym.envs.augment.translate import translator
from lingym.envs.corpora import Record


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A folder with a sequence-to-sequence model of a few words that soon ends its sentences."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BartConfig, BartForConditionalGeneration, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("seq2seq")
    known = ("a", "fine", "day", "in", "may", "or", "june", "is", "here", "again")
    words = ["<s>", "<pad>", "</s>", "<unk>", *known]
    tokenizer = Tokenizer(models.WordLevel({w: n for n, w in enumerate(words)}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing("$A </s>", None, [("</s>", 2)])
    special = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>"}
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=24,
        **{f"{role}_token": token for role, token in special.items()},
    ).save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        size = {"encoder_layers": 1, "decoder_layers": 1, "d_model": 16}
        heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
        wide = {"encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "max_position_embeddings": 64}
        config = BartConfig(
            vocab_size=len(words), **size, **heads, **wide, forced_eos_token_id=None
        )
        seq2seq = BartForConditionalGeneration(config)
    bias = torch.zeros(1, len(words))
    bias[0, 2], bias[0, :2], bias[0, 3] = 1.0, -50.0, -50.0  # it ends, and gives real words
    seq2seq.final_logits_bias = bias
    seq2seq.save_pretrained(folder)
    return str(folder)


def test_texts_go_there_and_back(model):
    import torch

    before = torch.random.get_rng_state()
    through = from_spec(f"backtranslation(1.0, {model!r}, {model!r}, beams=3)")
    record = Record({"text": "a fine day in may", "label": "good"}, "made", (1,))
    example = Classification().example(record)
    draws = [np.random.default_rng(seed) for seed in range(9)]
    seen = [through(example, draw, Classification()) for draw in draws]
    texts = {each.units[0] for each in seen}
    assert texts and all(text.split() for text in texts)
    assert texts != {"a fine day in may"}
    assert all(each.gold == ("good",) for each in seen)
    again = through(example, np.random.default_rng(4), Classification())
    assert again == seen[4]
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_text_that_is_too_long_is_not_cut(model):
    assert translator(model, 1)(" ".join(["day"] * 40)) == []
    found = translator(model, 3)("a fine day")
    assert len(found) <= 3 and translator(model, 3)("a fine day") == found
