"""What is refused once the texts are read, and before the first cell runs."""

import pytest

from lingym.scripts.cli import main
from tests.scripts.compare.tiny_study import TINY, write_study


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "metric: entity_f1",
            "metric: macro_fi",
            "data set 'commands': no metric 'macro_fi': choose .*entity_f1",
        ),
        (
            "{corpus: corpus_f1}",
            "{corpus: relation_f1}",
            "data set 'commands', arm 'RL': .*relation",
        ),
    ],
)
def test_a_metric_or_a_reward_that_the_labels_have_not_is_refused_first(
    old, new, message, tmp_path
):
    file = write_study(tmp_path, TINY.replace(old, new))
    out = tmp_path / "out"
    with pytest.raises(SystemExit, match=message):
        main(["bench", "compare", str(file), "--out", str(out)])
    assert not (out / "cells").exists()
