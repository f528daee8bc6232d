"""Small files, and what is told of those that cannot be read."""

import io
import zipfile

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from lingym import trusted
from lingym.agents.npz import load_npz
from lingym.envs.tokenizer_file import panics
from lingym.reading import DEEPEST, parse_json, read_json, read_text, read_toml, wanted
from lingym.rewards import from_spec
from lingym.scripts.compare.options import converted
from lingym.scripts.compare.yaml_marks import read_yaml
from lingym.scripts.feedback_file import LONGEST, FeedbackFile
from lingym.types import DataError


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[" * 100_000, "nested too deeply"),
        ("[" * (DEEPEST + 2) + "]" * (DEEPEST + 2), "nested too deeply"),
        ("9" * 5000, "not JSON that can be read"),
        ("9" * 200, "a number of more than 100 digits"),
        ("1e999", "a number that is too large"),
        ("[NaN]", "NaN, which is not JSON"),
        ('{"a": 1, "a": 2}', "the key 'a' twice in one object"),
        ('"\\ud800"', "half a surrogate pair"),
        ('{"a": ', "not JSON"),
    ],
)
def test_json_that_no_file_of_ours_holds_is_refused(text, told):
    with pytest.raises(DataError, match=told) as caught:
        parse_json(text, "a.json")
    assert str(caught.value).startswith("a.json: ")


def test_a_key_twice_among_many_is_found_at_once(tmp_path):
    file = tmp_path / "a.json"
    file.write_text("{" + ",".join(f'"k{n % 299_999}":1' for n in range(300_000)) + "}")
    for read in (read_json, trusted.read_json):  # to count each name took a quarter of an hour
        with pytest.raises(ValueError, match="the key 'k0' twice in one object"):
            read(file)
    assert parse_json("9" * 100, "a.json") == 10**100 - 1


def test_json_is_read_to_the_last_digit(tmp_path):
    file = tmp_path / "a.json"
    file.write_bytes(b'\xef\xbb\xbf{"a": [1, 2.5, null, "\\ud83d\\ude00"], "b": %d}' % 2**128)
    assert read_json(file) == {"a": [1, 2.5, None, "\U0001f600"], "b": 2**128}
    assert np.isnan(parse_json("NaN", "a", nan=True))


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"a\nb\n\xff")
    with pytest.raises(DataError, match=rf"{file}:3: wanted UTF-8 text, got the byte 0xff"):
        read_text(file)
    for other in (tmp_path, tmp_path / "none", "a\0b"):
        with pytest.raises(DataError, match="cannot be read"):
            read_text(other)
    with pytest.raises(DataError, match="wanted at most"):
        read_text("/dev/zero", 1000)


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = 0x" + "f" * 3000, "a = 1\na = 2"])
def test_toml_that_cannot_be_is_refused(tmp_path, text):
    file = tmp_path / "a.toml"
    file.write_text(text)
    with pytest.raises(DataError, match=str(file)):
        read_toml(file)


@pytest.mark.parametrize(
    "text",
    [
        "a: &s [*s]",
        "a: &a [1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\n"
        "c: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\n"
        "e: [*d,*d,*d,*d,*d,*d,*d,*d]",
        "a: " + "[" * 3000,
        "x" * (1 << 19),
    ],
)
def test_yaml_that_grows_without_end_is_refused(tmp_path, text):
    file = tmp_path / "a.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=str(file)):
        read_yaml(file)


def test_a_number_beyond_floats_is_no_option():
    with pytest.raises(ValueError, match="learning_rate must be"):
        converted("learning_rate", 10**400)


def test_values_of_another_form_are_told_by_file():
    for wrong in ([], None, {"a": 1}):
        with pytest.raises(DataError, match=r"a\.json: wanted rows"), wanted("a.json", "rows"):
            wrong["b"]["c"]


def test_an_array_that_claims_more_than_it_has_is_refused(tmp_path):
    file, stream = tmp_path / "a.npz", io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    )
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("a.npy", stream.getvalue())
    with pytest.raises(DataError, match=rf"{file}: no .npz file that can be read"):
        load_npz(file)
    shape = "{'descr':'<f4','fortran_order':False,'shape':(" + "-" * 9000 + "1,)}"
    for head in (shape, "(" * 9000):
        with zipfile.ZipFile(file, "w") as packed:
            size = len(head).to_bytes(2, "little")
            packed.writestr("a.npy", b"\x93NUMPY\x01\x00" + size + head.encode())
        with pytest.raises(DataError, match=rf"{file}: no .npz file that can be read"):
            load_npz(file)
    np.savez(file, a=np.arange(3), b=np.array("text"))
    assert load_npz(file)["a"].tolist() == [0, 1, 2] and str(load_npz(file)["b"]) == "text"


def test_feedback_without_line_ends_does_not_fill_the_memory(tmp_path):
    file = tmp_path / "f.jsonl"
    file.write_bytes(b" " * (LONGEST + (1 << 17)))
    with pytest.raises(DataError, match=r"f\.jsonl:1: wanted lines of at most 16 MiB"):
        list(FeedbackFile(file).read())


@pytest.mark.parametrize(
    "text",
    [
        "(" * 300 + "accuracy" + ")" * 300,
        "-" * 5000 + "1",
        "+".join(["accuracy"] * 20_000),
        "9" * 400 + "*accuracy",
        "-True*accuracy",
        "a" * 2_000_000,
        "\ud800",
    ],
)
def test_a_reward_that_cannot_be_is_refused_in_words(text):
    with pytest.raises(ValueError, match="reward ") as caught:
        from_spec(text)
    assert len(str(caught.value)) < 2000


def test_a_text_that_no_tokenizer_can_hold_is_refused_in_words():
    tokenizer = Tokenizer(WordLevel({"a": 0}))
    with pytest.raises(ValueError, match="no tokens"), panics("no tokens"):
        tokenizer.encode_batch(["\ud800"])
