"""Random distortion of drawings: every image by itself, the labels untouched, nothing lost."""
import pytest
import torch

import metalib as ml

SHAPE = dict(n_way=5, k_shot=2, n_query=3)


def test_strength_zero_changes_nothing_and_the_seed_decides():
    glyphs = ml.tasks.Glyphs()
    plain = glyphs.sample(2, seed=(3, 1), **SHAPE)
    untouched = ml.tasks.Distorted(glyphs, 0.0).sample(2, seed=(3, 1), **SHAPE)
    torch.testing.assert_close(untouched.query.x, plain.query.x, atol=1e-4, rtol=0)
    one, same, other = (ml.tasks.Distorted(glyphs).sample(2, seed=(3, s), **SHAPE) for s in (1, 1, 2))
    assert torch.equal(one.support.x, same.support.x) and torch.equal(one.support.y, plain.support.y)
    assert not torch.equal(one.support.x, other.support.x)


def test_every_image_is_distorted_by_itself_and_keeps_its_ink():
    image = ml.tasks.Glyphs().images([7], [0]).expand(1, 200, 1, 28, 28)
    distorted = ml.tasks.Distorted(None).distort(image, ml.episodes.generator(0))
    assert len({tuple(x.flatten().tolist()) for x in distorted[0]}) == 200
    ink = distorted.sum((-3, -2, -1)) / image.sum((-3, -2, -1))
    assert 0.6 < ink.min() and ink.max() < 1.6 and distorted.shape == image.shape and 0 <= distorted.min() and distorted.max() <= 1


def test_a_turn_of_the_page_alone_is_a_rotation():
    class Turn:                                                   # stands in for the random stream: 12 degrees, no more
        def uniform(self, low, high, size):
            return torch.tensor([1.0, 0, 0, 0, 0, 0])[:, None].expand(size).numpy()
    image = ml.tasks.Digits().images([4], [0])
    turned = ml.tasks.Distorted(None).distort(image, Turn())
    torch.testing.assert_close(turned, ml.tasks.Shifted(None, turn=12).shift(image), atol=1e-5, rtol=0)


@pytest.mark.parametrize("strength", (-0.1, 3.5, float("nan")))
def test_a_strength_out_of_bounds_is_named(strength):
    with pytest.raises(ValueError, match="strength"):
        ml.tasks.Distorted(ml.tasks.Glyphs(), strength)
