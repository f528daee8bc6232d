"""Real data sets, by the counts that their sources state."""

from pathlib import Path

import pytest

from lingym.envs.corpora import read_records, to_iob2
from lingym.envs.corpora.files import read_lines

pytestmark = pytest.mark.data

TAGGED = {  # sentences, tokens and spans of each split
    "conll2003": ((14041, 203621, 23499), (3250, 51362, 5942), (3453, 46435, 5648)),
    "wnut17": ((3394, 62730, 1975), (1009, 15733, 836), (1287, 23394, 1079)),
    "ud_english_ewt": ((12544, 204577, 0), (2001, 25147, 0), (2077, 25094, 0)),
    "snips": ((13084, 117700, 33958), (700, 6384, 1794), (700, 6354, 1790)),
    "resume_ner": ((3821, 124099, 13440), (463, 13890, 1497), (477, 15100, 1630)),
}
SPLITS = ("train", "dev", "test")


@pytest.mark.parametrize(
    ("name", "split", "counts"),
    [(n, s, c) for n, all_ in TAGGED.items() for s, c in zip(SPLITS, all_, strict=True)],
)
def test_tagged(data_dir: Path, name: str, split: str, counts: tuple[int, int, int]) -> None:
    records = read_records(data_dir / name / f"{split}.conll.xz")
    converted = to_iob2([record["labels"] for record in records])
    assert converted.scheme == ("plain" if name == "ud_english_ewt" else "iob2")
    assert converted.changed == 0
    tokens = sum(len(record["tokens"]) for record in records)
    begun = sum(tag.startswith("B-") for tags in converted.tags for tag in tags)
    assert (len(records), tokens, begun) == counts


def test_a_hashtag_in_a_tweet_is_a_token(data_dir: Path) -> None:
    records = read_records(data_dir / "wnut17" / "train.conll.xz")
    assert sum(token.startswith("#") for record in records for token in record["tokens"]) > 500


def test_snips_is_the_same_in_both_formats(data_dir: Path) -> None:
    columns = read_records(data_dir / "snips" / "test.conll.xz")
    objects = read_records(data_dir / "snips" / "test.jsonl.xz")
    pairs = [(r["tokens"], r["labels"]) for r in columns]
    assert pairs == [(r["tokens"], r["slots"]) for r in objects]


@pytest.mark.parametrize(("split", "count"), [("train", 6920), ("dev", 872), ("test", 1821)])
def test_sst2(data_dir: Path, split: str, count: int) -> None:
    records = read_records(data_dir / "sst2" / f"{split}.jsonl.xz")
    assert len(records) == count
    assert {record["label"] for record in records} == {"negative", "positive"}


def test_imdb_has_a_text_a_line(data_dir: Path) -> None:
    assert sum(1 for _ in read_lines(data_dir / "imdb" / "test.jsonl.xz")) == 25000
