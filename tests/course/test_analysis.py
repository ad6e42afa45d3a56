"""Confusions by hand, CKA by its properties, and the papers' table."""
import json
import re

import numpy as np
import pytest
import torch

import metalib as ml
from metalib.course.image_classification import analysis, papers
from metalib.course.image_classification import figures as figures_images

FIVE = dict(n_way=5, k_shot=1, n_query=4)


class TakesSevensForOnes(ml.Learner):
    """Knows every digit by its class number, painted on; takes each seven for a one where there is a one."""

    class Painted(ml.tasks.images.ink.InkTasks):
        n_classes, per_class = 10, 20

        def images(self, classes, examples):
            classes, examples = self.numbers(classes, examples)
            return torch.from_numpy(classes).float()[..., None, None, None].expand(*classes.shape, 1, 28, 28)

    def adapt(self, support):
        def predict(x):
            asked, known = x[:, :, 0, 0, 0], support.x[:, :, 0, 0, 0]
            asked = torch.where((asked == 7) & (known == 1).any(1, keepdim=True), torch.ones_like(asked), asked)
            one_hot = torch.nn.functional.one_hot(support.y).float()
            return (asked[:, :, None] == known[:, None]).float() @ one_hot
        return predict


def test_confusions_are_counted_among_the_queries_that_met():
    learner = TakesSevensForOnes()
    pairs = analysis.confused(learner, learner.Painted(), episodes=120, n_classes=10, **FIVE)
    assert [(p.truth, p.answer, p.rate) for p in pairs] == [(7, 1, 1.0)]
    assert pairs[0].met % 4 == 0 and 50 < pairs[0].met < 200          # about 120 x (5/10)(4/9) x 4 queries


def test_cka_is_blind_to_rotation_and_scale_and_not_to_the_rest():
    rng = torch.Generator().manual_seed(0)
    a, b = (torch.randn(40, n, generator=rng, dtype=torch.float64) for n in (6, 9))
    turn = torch.linalg.qr(torch.randn(6, 6, generator=rng, dtype=torch.float64))[0]
    assert analysis.cka(a, a) == pytest.approx(1) and analysis.cka(a, 5 * a @ turn + 3) == pytest.approx(1)
    assert analysis.cka(a, b) == pytest.approx(analysis.cka(b, a)) and analysis.cka(a, b) < 0.5
    p, q = (x - x.mean(0) for x in (a, b))
    by_features = (p.T @ q).square().sum() / ((p.T @ p).norm() * (q.T @ q).norm())
    assert analysis.cka(a, b) == pytest.approx(by_features.item())


def test_layers_end_in_what_the_learner_answers():
    maml, episode = ml.load("maml-images"), ml.tasks.Glyphs(seed=1).sample(1, seed=3, **FIVE)
    found = analysis.layers(maml, episode.support, episode.query.x[0])
    assert list(found) == ["block 1", "block 2", "block 3", "block 4", "head"] and all(len(z) == 20 for z in found.values())
    with torch.no_grad():
        torch.testing.assert_close(found["head"], maml.adapt(episode.support).together(episode.query.x)[0])
        fast = maml.adapt(episode.support).fast
        pooled = found["block 4"].view(20, 64, 2, 2).mean((2, 3))
        torch.testing.assert_close(found["head"], pooled @ fast["head.weight"][0].T + fast["head.bias"][0], rtol=1e-4, atol=1e-4)
    assert all(v == pytest.approx(1) for v in (analysis.cka(z, z) for z in found.values()))


def test_the_inner_loop_reuses_three_blocks_and_changes_the_head():
    reuse = analysis.reuse(ml.load("maml-images"), ml.tasks.Glyphs(seed=1), episodes=4, **FIVE)
    assert min(list(reuse.values())[:3]) > 0.95 and reuse["head"] < 0.7


def test_separation_by_hand():
    z = torch.tensor([[0.0], [2.0], [10.0], [12.0]])                  # means 1 and 11: 5 from their middle; variance 1 within
    assert analysis.separation(z, torch.tensor([0, 0, 1, 1])) == pytest.approx(25)


def test_figures_say_what_they_are():
    tasks = ml.tasks.Digits()
    pairs = [analysis.Confusion(1, 8, 0.2, 50), analysis.Confusion(3, 9, 0.1, 50)]
    for figure in (figures_images.confused_pairs(tasks, pairs),
                   figures_images.reuse({"a": {"block 1": 1.0, "head": 0.4}}, "reuse"),
                   figures_images.accuracies({"one": (0.5, 0.1)}, "accuracy")):
        faces, _ = figure._repr_mimebundle_()
        assert faces["image/png"] and faces["text/plain"].startswith("Figure: ") and len(faces["text/plain"]) > 10


# ---- the papers' table -------------------------------------------------------------------------------------------------------

def note(recipe="maml-papers-omniglot-5w1s", title="Omniglot test, turned, 5-way, K = 1", n_way=5, k_shot=1, mean=0.987, seed=0):
    return {"recipe": recipe, "minutes": 12.3, "seed": seed, "training": {"iterations": 8_000, "meta_batch": 16}, "scores": {title: {
        "metric": "accuracy", "mean": mean, "ci95": 0.002, "transductive": True,
        "setting": f"600 episodes, seed 2, n_way {n_way}, k_shot {k_shot}"}}}


def test_a_number_under_a_methods_name_was_made_by_that_method_from_its_own_start():
    rows = {row[0]: row[1:] for row in papers.table().rows}
    assert len(rows) == len(papers.METHODS) and "<table>" in papers.table()._repr_html_()
    for method in papers.METHODS:
        assert method.recipe.endswith("-papers")
        assert ml.recipes.RECIPES.get(f"{method.recipe}-omniglot-5w1s") is None or "from its random start" in ml.recipes.RECIPES[
            f"{method.recipe}-omniglot-5w1s"].about
    assert re.search(r"98\.8 \| 98\.\d ± 0\.\d", rows["ProtoNet (1703.05175)"][0])


def test_seeds_are_averaged_and_nothing_is_chosen_by_a_maximum():
    found = [run for mean, seed in ((0.95, 0), (0.97, 1), (0.96, 2)) for run in papers.scores(note(mean=mean, seed=seed))]
    assert papers.told(found) == "96.0 ± 2.5"                        # Student's t with two degrees of freedom: 4.30 * 1 / sqrt(3)
    assert papers.told(found[:1]) == "95.0 ± 0.2 ¹" and papers.told([]) == ""


def test_how_a_query_was_asked_and_on_which_characters_keeps_scores_apart():
    notes = [note(), note(title="Omniglot test, turned, 5-way, K = 1, fifteen together", mean=0.96),
             note(title="Omniglot test, turned, 5-way, K = 1, one at a time", mean=0.94), note(title="Omniglot evaluation, K = 1", mean=0.5)]
    found = [run for one in notes for run in papers.scores(one)]
    means = [papers.of(found, "maml-papers", "5w1s", asked=way)[0].mean for way in papers.ASKED]
    assert means == pytest.approx([98.7, 96, 94]) and len(papers.of(found, "maml-papers", "5w1s")) == 1
    assert papers.of(found, "maml-papers", "5w1s", turned=False)[0].mean == pytest.approx(50)


def test_the_log_of_further_runs_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(papers, "LOG", tmp_path / "log.json")
    before = len(papers.runs())
    for mean, seed in ((0.5, 0), (0.971, 0), (0.973, 1)):                    # the second run takes the place of the first
        (tmp_path / "card.json").write_text(json.dumps(note(recipe="reptile-papers-omniglot-20w5s", n_way=20, k_shot=5, mean=mean, seed=seed)))
        papers.keep(tmp_path / "card.json")
    assert len(papers.runs()) == before + 2
    assert "97.12 | 97.2 ± " in str(papers.table()) and "reptile-papers-omniglot-20w5s" in str(papers.lengths())


def test_reported_numbers_are_those_of_the_papers():
    reported = {m.name: m.reported for m in papers.METHODS}
    assert reported["MAML"] == {"5w1s": "98.7", "5w5s": "99.9", "20w1s": "95.8", "20w5s": "98.9"}
    assert np.mean([float(v) for v in reported["ProtoNet"].values()]) == pytest.approx((98.8 + 99.7 + 96.0 + 98.9) / 4)
