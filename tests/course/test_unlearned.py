"""Outlines under the nearest mean: they answer alone, a shift is undone, and on new characters they are far above pixels."""
import torch

import metalib as ml
from metalib.course.image_classification import unlearned

FIVE = dict(n_way=5, k_shot=1, n_query=5)


def test_a_shifted_drawing_comes_back_to_the_middle():
    x = torch.zeros(2, 1, 28, 28)
    x[:, :, 10:18, 12:16] = torch.rand(2, 1, 8, 4)
    shifted = torch.stack([x[0], x[1].roll((5, -7), (1, 2))])
    assert torch.equal(unlearned.centred(shifted), unlearned.centred(x))
    ink = unlearned.centred(shifted).sum((1, 3)) @ torch.arange(28.0)
    assert (ink / x.sum((1, 2, 3)) - 13.5).abs().max() <= 0.5
    assert torch.equal(unlearned.centred(torch.zeros(1, 1, 28, 28)), torch.zeros(1, 1, 28, 28))


def test_a_query_is_judged_alone_as_it_is_in_a_batch():
    episode, learner = ml.tasks.Glyphs(seed=1).sample(3, seed=5, **FIVE), unlearned.Nearest(unlearned.centred_outlines)
    predict = learner.adapt(episode.support)
    together = predict(episode.query.x)
    assert together.shape == (3, 25, 5) and torch.allclose(together[:, 3:4], predict(episode.query.x[:, 3:4]), atol=1e-6)


def test_outlines_know_more_of_new_characters_than_pixels_do():
    pixels, outlines, centred = (ml.evaluate(learner, ml.tasks.Glyphs(seed=1), 40, seed=7, **FIVE).mean for learner in (
        ml.NearestCentroid(), unlearned.Nearest(), unlearned.Nearest(unlearned.centred_outlines)))
    assert outlines > pixels + 0.2 and centred > outlines
