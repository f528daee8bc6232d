"""Faulty JSON lines up to the encoded episodes of every task; 60 files each, or LINGYM_FUZZ."""

from pathlib import Path

import pytest

from lingym.types import DataError
from tests.fuzz.mutate import JSON_FAULTS, count, mutants, within
from tests.fuzz.tasks import FORMS, built, check_dataset, known_rows
from tests.fuzz.test_corpora import check_place

LIMIT = 20.0


@pytest.mark.parametrize("name", FORMS)
def test_faulty_records_are_encoded_or_refused(tmp_path: Path, name: str) -> None:
    form = FORMS[name]
    known = known_rows(form, tmp_path / "known.jsonl")
    path = tmp_path / "a.jsonl"
    read = refused = 0
    for number, data in enumerate((form.file, *mutants([form.file], count(), 2, JSON_FAULTS))):
        path.write_bytes(data)
        with within(LIMIT, data):
            try:
                dataset = built(form, path, known if number % 10 else ())
            except DataError as error:
                check_place(str(error), path, data.count(b"\n") + 1)
                refused += 1
                assert read
            else:
                check_dataset(dataset, form)
                read += 1
    assert read > 1 and refused > 1
