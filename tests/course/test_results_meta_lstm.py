"""What chapter 4 claims of the shipped optimisers: races on waves with intervals, Omniglot, one shipped contest run again."""
import dataclasses

import numpy as np
import pytest

import metalib as ml
from metalib.course.meta_lstm import measure as contests, race

TEN = dict(k_shot=10, n_query=50)
WAVES = ml.tasks.Sinusoid()


@pytest.mark.parametrize("name, episodes", [("controller-sinusoid", 200), ("meta-lstm-sinusoid", 800)])
def test_on_new_waves_it_beats_rivals_whose_rate_alone_is_tuned_after_5_and_10_steps(name, episodes):
    learner = ml.load(name)
    grids = race.tune(learner.network, WAVES, 10, **TEN)
    for grid in grids.values():
        assert max(grid.best(s) for s in (5, 10)) < grid.rates[-1], f"the grid ends where {grid.name} is still getting better"
    results = race.race({name: learner}, learner.network, WAVES, (5, 10), episodes, grids=grids, **TEN)
    if name == "meta-lstm-sinusoid":
        results["MAML"] = race.curves(ml.load("maml-sinusoid"), WAVES, 10, episodes, **TEN)[:, [5, 10]]
    for rival, (mean, half) in race.ahead(results, name).items():
        assert (mean > half).all(), (rival, mean, half)


@pytest.mark.parametrize("k_shot, bound, episodes", [(5, 0.95, 150), (1, 0.85, 200)])
def test_meta_lstm_on_omniglot_test_characters(real_data, k_shot, bound, episodes):
    name = f"meta-lstm-omniglot-5w{k_shot}s"
    score = ml.evaluate(ml.load(name), ml.tasks.Omniglot("test"), episodes, together=True, n_way=5, k_shot=k_shot,
                        n_query=15)
    assert score.mean >= bound, score
    claimed = ml.card(name)["scores"][f"Omniglot test, K = {k_shot}"]
    assert claimed["mean"] - claimed["ci95"] >= bound and abs(score.mean - claimed["mean"]) < 4 * score.ci95 / 1.96


def test_a_shipped_contest_can_be_run_again():
    title = "curvature 0.05 to 2, as trained"
    contest = dataclasses.replace(contests.bowls()[title], at=(5, 10, 20))
    again, shipped = contests.run(contest), contests.shipped()["bowls"][title]
    for name, row in again.items():
        for k in range(3):
            assert row["loss"][k] == pytest.approx(shipped[name]["loss"][k], rel=0.02), (name, k)
            assert name == "learned" or row["behind"][k] == pytest.approx(shipped[name]["behind"][k], rel=0.05, abs=1e-4)


def test_standings_need_the_interval():
    def contest(*differences):
        return {"at": [5], "learned": {"loss": [[1.0, 0.1]]}} | {f"best {i}": {"loss": [[1.0, 0.1]], "behind": [pair]}
                                                                for i, pair in enumerate(differences)}
    assert contests.standing(contest([0.3, 0.1], [0.2, 0.1]), 0) == "ahead"
    assert contests.standing(contest([0.3, 0.1], [0.1, 0.2]), 0) == "level"
    assert contests.standing(contest([0.3, 0.1], [-0.2, 0.1]), 0) == "behind"


def test_differences_are_taken_task_by_task():
    tasks = np.arange(10.0)[:, None]
    mean, half = race.ahead({"ours": tasks, "theirs": tasks + 0.5}, "ours")["theirs"]
    assert mean == pytest.approx(0.5) and half == pytest.approx(0.0)
