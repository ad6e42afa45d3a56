"""The trial of the listing: it stops where it stops, each repair repairs one thing, and the end is MAML."""
import pytest
import torch

import metalib as ml
from metalib.course.image_classification.museum import listing, trial


def test_it_stops_six_times_and_then_runs():
    text, said = listing.LISTING, []
    for changes in listing.LOUD:
        said.append(trial.attempt(text).split("\n    ")[1])
        text = listing.repair(text, *changes)
    assert [line.split(":")[0] for line in said] == ["AttributeError", *["NameError"] * 3, "TypeError", "NameError"]
    for line, word in zip(said, ("ellipsis", "outer_lr", "num_epochs", "dataloader", "float", "'F'")):
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
