import json
from dataclasses import replace

import pytest

from lingym.scripts.compare import ray_jobs, table
from lingym.scripts.compare.cell_work import Given
from lingym.scripts.compare.cells import plan
from lingym.scripts.compare.study_file import read_study
from tests.scripts.compare.tiny_study import TINY, write_study

SMALL = TINY.replace("[0, 1]", "[0]").replace("[1.0e-3, 2.0e-3]", "[1.0e-3]")


@pytest.fixture(scope="module")
def cluster(request):
    ray = pytest.importorskip("ray")
    patch = pytest.MonkeyPatch()
    # Ray's processes are as humble as nice allows: on a busy machine they would take minutes.
    patch.setenv("RAY_worker_niceness", "0")
    patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    request.addfinalizer(patch.undo)
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=80_000_000,
    )
    request.addfinalizer(ray.shutdown)
    return ray


# Ray leaves sockets and processes to the collector of garbage.
@pytest.mark.filterwarnings("default")
@pytest.mark.slow
def test_a_local_cluster_does_all_cells_and_tells_of_one_that_fails(cluster, tmp_path):
    file, out = write_study(tmp_path, SMALL), tmp_path / "out"
    study = read_study(file)
    cells = plan(study)
    done, rows = [], []

    def tell(cell):
        assert set(cell.needs) <= set(done)
        done.append(cell.id)
        rows.extend(table.collect(out, [cell.folder(out)]))

    warm = next(cell for cell in cells if cell.kind == "warm")
    rl = next(cell for cell in cells if cell.kind == "train" and cell.arm == "RL")
    wrong = replace(rl, id=rl.id + "-wrong")  # in no plan
    after = replace(rl, id="after", needs=(wrong.id,))
    given = Given(data=tmp_path)
    failed = ray_jobs.run_cells([warm, wrong, after, rl], study, out, "auto", tell, given)
    assert done == [warm.id, rl.id]
    assert list(failed) == [wrong.id]
    assert "StopIteration" in failed[wrong.id].read_text()
    assert [row["cell"] for row in rows] == done
    assert rows[1]["dev"]["entity_f1"] >= 0
    told = json.loads((rl.folder(out) / "row.json").read_text())
    assert told == rows[1]
    assert not list((out / "locks").glob("ray-*"))


@pytest.mark.filterwarnings("default")
@pytest.mark.slow
def test_a_machine_without_the_folder_is_refused(cluster, tmp_path, monkeypatch):
    work, elsewhere = ray_jobs._work, tmp_path / "not-there"
    monkeypatch.setattr(ray_jobs, "_work", lambda a, b, token, *rest: work(a, b, elsewhere, *rest))
    study = read_study(write_study(tmp_path, SMALL))
    with pytest.raises(ValueError, match="put --out on a disk that all machines share"):
        ray_jobs.run_cells(plan(study), study, tmp_path, "auto", print, Given())


@pytest.mark.filterwarnings("default")  # the cluster is shut down after the last of them
def test_without_ray_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    study = read_study(write_study(tmp_path, SMALL))
    with pytest.raises(ValueError, match=r"pip install \"lingym\[ray\]\""):
        ray_jobs.run_cells(plan(study), study, tmp_path, "auto", print)
