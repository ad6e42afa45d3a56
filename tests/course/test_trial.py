"""The trial of the listing: it stops where it stops, each repair repairs one thing, and the end is MAML."""
import pytest
import torch

import metalib as ml
from metalib.course.image_classification.museum import listing, trial


def test_it_stops_seven_times_and_then_runs():
    text, said = listing.LISTING, []
    for changes in listing.LOUD:
        said.append(trial.attempt(text).split("\n    ")[1])
        text = listing.repair(text, *changes)
    assert [line.split(":")[0] for line in said] == ["AttributeError", *["NameError"] * 3, *["TypeError"] * 2, "NameError"]
    for line, word in zip(said, ("ellipsis", "outer_lr", "num_epochs", "dataloader", "5 were given", "float", "'F'")):
        assert word in line
    assert trial.attempt(text) == "it runs to its end"


@pytest.fixture(scope="module")
def measured() -> dict[str, tuple[float, float]]:
    task = next(trial.some_tasks(1, seed=3, dtype=torch.float64))
    models = {name: trial.fresh(text) for name, text in list(listing.stages().items())}
    return {name: (trial.start_moved(model, task), trial.gradient_off(model, task)) for name, model in models.items()}


def test_each_silent_repair_mends_what_it_says(measured):
    (moved, off), (moved_then, off_then), (moved_last, off_last), end = measured.values()
    assert moved > 0.1 and off > 0.1
    assert moved_then == 0 and off_then == pytest.approx(off, rel=1e-6), "the start is kept; the gradient is first order still"
    assert moved_last == 0 and off_last < 1e-5
    assert end == (moved_last, off_last)


def test_what_the_listing_calls_a_gradient_is_the_first_order_one():
    task = next(trial.some_tasks(1, seed=3, dtype=torch.float64))
    learner = ml.MAML(trial.small_network(torch.float64), inner_lr=0.4, first_order=True)
    learner.backward(as_episode([task]))
    ours = torch.cat([p.grad.flatten() for p in learner.network.parameters()])
    torch.testing.assert_close(trial.gradient(trial.fresh(listing.stages()[listing.LISTED]), task), ours, rtol=1e-6, atol=1e-9)


def as_episode(tasks) -> ml.Episode:
    x_spt, y_spt, x_qry, y_qry = (torch.stack(part) for part in zip(*tasks))
    return ml.Episode(ml.Examples(x_spt, y_spt), ml.Examples(x_qry, y_qry))


def test_the_end_is_maml():
    text = list(listing.stages().values())[-1]
    assert len(text.splitlines()) <= 32
    model, batch = trial.fresh(text), list(trial.some_tasks(4, seed=8, dtype=torch.float64))
    torch.stack([model(*task) for task in batch]).mean().backward()
    learner = ml.MAML(trial.small_network(torch.float64), inner_lr=0.4)
    learner.backward(as_episode(batch))
    for (name, ours), theirs in zip(model.model.named_parameters(), learner.network.parameters()):
        assert (ours.grad - theirs.grad).abs().max() < 1e-6, name


def test_a_gradient_from_sixteen_tasks_scatters_four_times_less():
    model = trial.fresh(listing.stages()["gradient through the step"])
    assert 3 < trial.scatter(model, 1) / trial.scatter(model, 16) < 5


def test_a_repair_that_does_not_fit_is_no_repair():
    with pytest.raises(ValueError, match="0 times"):
        listing.repair(listing.LISTING, ("no such line", ""))
    with pytest.raises(ValueError, match="2 times"):
        listing.repair(listing.LISTING, ("loss.backward()", ""))


def test_an_error_of_another_kind_is_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        trial.attempt("1 / 0")


def test_the_shipped_measurement_is_repeated_in_small():
    shipped = trial.measured()["accuracy"]
    assert list(shipped)[:4] == list(listing.STAGES)
    assert shipped[listing.LISTED][0] < 0.35 and shipped["gradient through the step"][0] > 0.6
    assert trial.judged(trial.trained(listing.stages()[listing.LISTED], 100), 40).mean < 0.40


def test_statistics_that_a_forward_pass_leaves_behind_count_as_a_moved_start():
    class Keeps(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = torch.nn.BatchNorm1d(3).double()

        def forward(self, x_spt, *rest):
            return self.norm(x_spt).square().mean()

    task = (torch.arange(12.0).double().view(4, 3),)
    keeps = Keeps()
    assert trial.start_moved(keeps, task) > 0.1
    assert trial.start_moved(keeps.eval(), task) == 0


# ---- what it does not say at first ---------------------------------------------------------------------------------------------

def made_to_run() -> str:
    return listing.stages()[listing.LISTED]


def test_a_whole_rate_lets_the_loop_over_the_rate_pass_in_silence():
    assert "range(self.inner_lr)" in listing.whole_rate() and trial.attempt(listing.whole_rate()) == "it runs to its end"


def test_a_real_loader_adds_an_axis_unless_it_is_told_not_to():
    loaded = listing.repair(made_to_run(), *listing.REAL_LOADER)
    assert "[1, 5, 1, 28, 28]" in trial.attempt(loaded)
    assert trial.attempt(listing.repair(loaded, *listing.UNBATCHED)) == "it runs to its end"


def test_clearing_gradients_before_the_forward_pass_spoils_the_listing_and_not_the_repaired_one():
    task = next(trial.some_tasks(1, seed=3, dtype=torch.float64))
    assert trial.attempt(listing.repair(made_to_run(), *listing.ZERO_FIRST)) == "it runs to its end"
    listed, *repaired = (trial.order_matters(trial.fresh(text), task) for text in listing.stages().values())
    assert listed > 0.5 and max(repaired) == 0


def test_running_statistics_move_though_every_task_has_weights_of_its_own():
    task = next(trial.some_tasks(1, seed=3, dtype=torch.float64))
    model = trial.fresh(list(listing.stages().values())[-1])
    assert trial.start_moved(model, task) == 0 and trial.start_moved(trial.with_statistics(model), task) > 0.02


def test_only_the_last_version_can_be_asked_without_gradients():
    batch = list(trial.some_tasks(4, seed=8, dtype=torch.float64))
    repaired = list(listing.stages().values())[-1]
    for text in (made_to_run(), repaired):
        model = trial.fresh(text)
        with torch.no_grad(), pytest.raises(RuntimeError, match="does not require grad"):
            model(*batch[0])
    last = trial.fresh(listing.repair(repaired, *listing.PREDICTS))
    learner = ml.MAML(trial.small_network(torch.float64), inner_lr=0.4)
    with torch.no_grad():
        ours = torch.stack([last.predict(x_spt, y_spt, x_qry) for x_spt, y_spt, x_qry, _ in batch])
    episode = as_episode(batch)
    torch.testing.assert_close(ours, learner.eval().adapt(episode.support).together(episode.query.x), rtol=1e-6, atol=1e-6)
    torch.stack([last(*task) for task in batch]).mean().backward()
    learner.backward(episode)
    for ours, theirs in zip(last.model.parameters(), learner.network.parameters()):
        assert (ours.grad - theirs.grad).abs().max() < 1e-6
