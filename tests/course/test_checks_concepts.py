"""Exercise checkers of chapters 1 and 2: solutions pass, stubs are not attempted, wrong answers get their own sentence."""
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import metalib as ml
from metalib.course.background import checks as background
from metalib.course.concepts import checks as concepts


def needed(accuracy, shots, curve):
    return math.inf if accuracy > max(curve) else float(np.exp(np.interp(accuracy, curve, np.log(shots))))


def prototype_logits(z, y, q):
    means = torch.stack([z[y == k].mean(0) for k in range(int(y.max()) + 1)])
    return -(q[:, None] - means[None]).square().sum(-1)


def attend(z, y, q, n_way, dim=1):
    a = (-(q[:, None] - z[None]).square().sum(-1)).softmax(dim)
    return a @ F.one_hot(y, n_way).to(a.dtype)


def scores(sign, shape=lambda s: s):
    class Neighbour(ml.Learner):
        def adapt(self, support):
            def predict(x):
                d = sign * torch.cdist(x.flatten(2), support.x.flatten(2))
                ways = range(int(support.y.max()) + 1)
                return shape(torch.stack([d.masked_fill((support.y != k)[:, None], -torch.inf).amax(2) for k in ways], 2))
            return predict
    return Neighbour


def ci(values):
    return 1.96 * values.std(ddof=1) / math.sqrt(len(values))


def test_the_worked_solutions_pass():
    for verdict in (background.prediction("meta-learned", "from scratch", "meta-learned"), background.examples_needed(needed),
                    background.ci95(ci), concepts.prediction("tie", "MAML", "random"),
                    concepts.prototype_logits(prototype_logits),
                    concepts.attend(attend), concepts.neighbour(scores(-1))):
        assert verdict.passed and verdict.text.startswith("Right. "), verdict


def test_level_over_the_seeds_is_a_tie_as_well():
    assert background.prediction("meta-learned", "from scratch", "tie").passed


class Stub(ml.Learner):
    pass


@pytest.mark.parametrize("verdict", [
    lambda: background.prediction(), lambda: background.examples_needed(lambda a, s, c: ...),
    lambda: background.ci95(lambda v: None),
    lambda: concepts.prediction(), lambda: concepts.prototype_logits(lambda z, y, q: ...), lambda: concepts.attend(None),
    lambda: concepts.neighbour(Stub), lambda: concepts.neighbour(...),
])
def test_stubs_are_not_attempted(verdict):
    assert not verdict().attempted and verdict().text.startswith("Not attempted yet.")


@pytest.mark.parametrize("verdict, words", [
    (lambda: background.prediction("tie", "from scratch", "meta-learned"), "one: yours = 'tie'"),
    (lambda: background.prediction("meta-learned", "meta-learned", "meta-learned"), "thirty: yours = 'meta-learned'"),
    (lambda: background.prediction("meta-learned", "from scratch", "from scratch"), "shifted: yours = 'from scratch'"),
    (lambda: background.prediction("yes", "no", "no"), "none of"),
    (lambda: background.examples_needed(lambda a, s, c: np.interp(a, c, s)), "over *log* examples"),
    (lambda: background.examples_needed(lambda a, s, c: s[int(np.argmax(np.asarray(c) >= a))]), "next point that was measured"),
    (lambda: background.examples_needed(lambda a, s, c: np.interp(a, c, np.log(s))), "take it back"),
    (lambda: background.examples_needed(lambda a, s, c: np.exp(np.interp(a, c, np.log(s)))), "never reached"),
    (lambda: background.examples_needed(lambda a, s, c: "many"), "expected one number"),
    (lambda: background.examples_needed(lambda a, s, c: round(needed(a, s, c)) if a <= max(c) else math.inf), "You round"),
    (lambda: background.examples_needed(lambda a, s, c: 1.0 if a < c[0] else needed(a, s, c)), "if the first point is there already"),
    (lambda: background.ci95(lambda v: 1.96 * v.std(ddof=1) / len(v)), "*root* of n"),
    (lambda: background.ci95(lambda v: 1.96 * v.std() / math.sqrt(len(v))), "ddof"),
    (lambda: background.ci95(lambda v: v.std(ddof=1) / math.sqrt(len(v))), "68 %"),
    (lambda: background.ci95(lambda v: 1.96 * v.std(ddof=1)), "single *episodes*"),
    (lambda: background.ci95(lambda v: 1.96 * v.std(ddof=1) / math.sqrt(len(v) - 1)), "n - 1 belongs into the spread"),
    (lambda: background.ci95(lambda v: 1.645 * v.std(ddof=1) / math.sqrt(len(v))), "90 %"),
    (lambda: background.ci95(lambda v: 1 / 0), "stopped in line"),
    (lambda: concepts.prediction("random", "MAML", "random"), "close: yours = 'random'"),
    (lambda: concepts.prediction("tie", "pretrained", "MAML"), "few to turn it"),
    (lambda: concepts.prototype_logits(lambda z, y, q: -prototype_logits(z, y, q)), "check the sign"),
    (lambda: concepts.prototype_logits(lambda z, y, q: -(-prototype_logits(z, y, q)).sqrt()), "the paper's is squared"),
    (lambda: concepts.prototype_logits(lambda z, y, q: prototype_logits(z, y, q).softmax(-1)), "logits are asked for"),
    (lambda: concepts.prototype_logits(lambda z, y, q: -(q[:, None] - z[None]).square().sum(-1)), "shape [6, 6]"),
    (lambda: concepts.prototype_logits(lambda z, y, q: 3.0), "expected a tensor"),
    (lambda: concepts.attend(lambda z, y, q, n: attend(z, y, q, n, 0)), "runs over the *queries*"),
    (lambda: concepts.attend(lambda z, y, q, n: attend(z, y, q, n).log()), "log probabilities"),
    (lambda: concepts.attend(lambda z, y, q, n: prototype_logits(z, y, q).softmax(-1)), "prototypical network"),
    (lambda: concepts.neighbour(scores(1)), "*farthest*"),
    (lambda: concepts.neighbour(scores(-1, lambda s: s.argmax(-1))), "not the number of the winner"),
    (lambda: concepts.neighbour(ml.NearestCentroid), "nearest class *mean*"),
    (lambda: concepts.neighbour(dict), "a subclass of ml.Learner"),
    (lambda: concepts.neighbour(5), "Hand over the class itself"),
])
def test_wrong_answers_get_their_own_sentence(verdict, words):
    found = verdict()
    assert found.attempted and not found.passed and words in found.text, found.text
