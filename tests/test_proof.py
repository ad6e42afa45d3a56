"""The proof panel must pass an honest learner and fail each kind of cheat: a check that cannot fail proves nothing."""
import pytest
import torch
from torch import nn

import metalib as ml
from metalib.tasks import Shuffled

FIVE = dict(n_way=5, k_shot=1, n_query=3)


def answers(proof: ml.proof) -> dict[str, bool | None]:
    return {check.question.split(",")[0]: check.holds for check in proof.checks}


@pytest.fixture(scope="module")
def honest():
    return ml.proof(ml.load("maml-images"), ml.tasks.Glyphs(seed=1), trained_on=ml.tasks.Glyphs(seed=0), episodes=60, **FIVE)


def test_the_shipped_image_learner_passes(honest):
    assert honest.holds and answers(honest)["Before adapting"] and answers(honest)["Shuffled support labels give chance"]
    assert honest.scores["after adapting"].mean > 0.8
    assert answers(honest)["A query is judged alone as it is in a batch"] is None and "transductive" in str(honest)


def test_the_shipped_sinusoid_learner_passes():
    found = ml.proof(ml.load("maml-sinusoid"), ml.tasks.Sinusoid(), k_shot=10, n_query=10)
    assert found.holds and "equals finite differences" in str(found)


def test_it_shows_a_picture_and_the_same_in_words(honest):
    faces, _ = honest._repr_mimebundle_()
    assert faces["image/png"] and faces["text/plain"] == str(honest) and "nan" not in str(honest)


class Sorted:
    """A family that forgot to shuffle: label i is always the i-th of five fixed classes."""

    def sample(self, n_tasks, seed=0, **shape):
        glyphs = ml.tasks.Glyphs(seed=1)
        y = torch.arange(5).expand(n_tasks, 5)
        x = torch.stack([glyphs.images(range(5), seed[-1] * 1000 + i) for i in range(n_tasks)])
        return ml.Episode(ml.Examples(x, y), ml.Examples(x.flip(1), y.flip(1)), {"classes": y})


class KnowsThem(ml.Learner):
    """Learned those five classes by heart and ignores the support set."""

    takes_steps = True

    def adapt(self, support, steps=None):
        glyphs = ml.tasks.Glyphs(seed=1)
        centroids = torch.stack([glyphs.images([i] * 40, range(40)).mean(0).flatten() for i in range(5)])
        return lambda x: -torch.cdist(x.flatten(2), centroids.expand(len(x), -1, -1))


def test_a_learner_that_knows_the_classes_by_heart_fails_twice():
    found = answers(ml.proof(KnowsThem(), Sorted(), episodes=30))
    assert found["Before adapting"] is False and found["Shuffled support labels give chance"] is False


def test_shared_classes_are_found():
    found = ml.proof(ml.NearestCentroid(), ml.tasks.Digits(), trained_on=ml.tasks.Digits(), episodes=4, **FIVE)
    assert answers(found)["No test class was seen in training"] is False and not found.holds


class Detached(ml.MAML):
    """Trap 1: the inner step is hidden from autograd, silently."""

    def update(self, fast, grads, step):
        return {name: p - self.inner_lr * grads[name].detach() for name, p in fast.items()}


def test_a_silently_first_order_gradient_is_found():
    ml.setup(0)
    net = ml.mlp(1, 16, 1, activation=nn.Tanh)
    shape = dict(episodes=10, k_shot=5, n_query=5)
    assert answers(ml.proof(Detached(net, 0.1), ml.tasks.Sinusoid(), **shape))["The outer gradient is the gradient"] is False
    on_purpose = ml.proof(ml.MAML(net, 0.1, first_order=True), ml.tasks.Sinusoid(), **shape)
    assert answers(on_purpose)["The outer gradient is the gradient"] is None and "on purpose" in str(on_purpose)


def test_a_support_set_that_is_not_used_is_found():
    class Deaf(ml.MAML):
        def adapt(self, support, steps=None):
            return super().adapt(support, steps=0)
    ml.setup(0)
    found = answers(ml.proof(Deaf(ml.mlp(1, 8, 1)), ml.tasks.Sinusoid(), episodes=20))
    assert found["Before adapting"] is False and found["Shuffled support labels teach nothing"] is False


def test_shuffling_keeps_images_and_labels_but_not_their_pairs():
    tasks = ml.tasks.Digits()
    true, mixed = (family.sample(4, seed=(1, 2), n_way=5, k_shot=4, n_query=1) for family in (tasks, Shuffled(tasks)))
    assert torch.equal(true.support.x, mixed.support.x) and torch.equal(true.query.y, mixed.query.y)
    assert torch.equal(true.support.y.sort(1).values, mixed.support.y.sort(1).values)
    assert not torch.equal(true.support.y, mixed.support.y)


@pytest.mark.parametrize("name", ["protonet-omniglot-5w1s", "matching-omniglot-5w1s"])
def test_the_course_s_best_weights_pass_though_they_were_trained_in_bfloat16(name):
    found = ml.proof(ml.load(name), ml.tasks.Glyphs(seed=1), trained_on=ml.tasks.Glyphs(seed=0), episodes=20, **FIVE)
    assert found.holds and answers(found)["The outer gradient is the gradient"] is True
