"""Corpora: labelled text read from files, from the Hugging Face library, or generated."""

from lingym.envs.corpora.conll import read_conll, read_conllu
from lingym.envs.corpora.delimited import read_delimited
from lingym.envs.corpora.iob import (
    Converted,
    TagFault,
    detect_scheme,
    find_faults,
    from_iob2,
    to_iob2,
)
from lingym.envs.corpora.jsonl import read_jsonl
from lingym.envs.corpora.load import Corpus, load_corpus
from lingym.envs.corpora.plain import read_plain
from lingym.envs.corpora.record import Record
from lingym.envs.corpora.sources import Options, read_records
from lingym.envs.corpora.squad import read_squad

__all__ = [
    "Converted",
    "Corpus",
    "Options",
    "Record",
    "TagFault",
    "detect_scheme",
    "find_faults",
    "from_iob2",
    "load_corpus",
    "read_conll",
    "read_conllu",
    "read_delimited",
    "read_jsonl",
    "read_plain",
    "read_records",
    "read_squad",
    "to_iob2",
]
