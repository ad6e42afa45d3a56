"""Right answers in styles that no solution has, and wrong ones that no list of typical mistakes names."""
import math
import statistics
from copy import copy
from decimal import Decimal
from fractions import Fraction
from inspect import signature

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

import metalib as ml
from test_answers import FUNCTIONS

torch.set_num_threads(1)
rooms = ml.checks


# Numbers and rows of any kind -------------------------------------------------------------------------------------------------

def read_off(accuracy, shots, curve):
    if accuracy > max(curve):
        return Decimal("Infinity")
    return Decimal(float(np.exp(np.interp(accuracy, curve, np.log(shots)))))


def prototypes_in_lists(z, y, q):
    means = [nn.Parameter(z[y == k].mean(0)) for k in range(int(y.max()) + 1)]
    return [[-(a - b).dot(a - b) for b in means] for a in q]


def in_sets(rng, per_class, k_shot, n_query):
    order = rng.permutation(per_class).tolist()
    return set(order[:k_shot]), set(order[k_shot:k_shot + n_query])


def residuals_anew(matvec, b, steps):
    x, direction, squared = torch.zeros(len(b)), torch.zeros_like(b), 1.0               # single precision, as everywhere
    for _ in range(steps):
        residual = b - matvec(x)
        direction = residual + (residual @ residual) / squared * direction
        squared = residual @ residual
        x = x + squared / (direction @ matvec(direction)) * direction
    return x


def parameters_without_autograd(z, y, asked, inner_lr, n_way):
    weight, bias = nn.Parameter(torch.zeros(n_way, z.shape[1])), nn.Parameter(torch.zeros(n_way))
    slope = (F.softmax(z @ weight.T + bias, dim=1) - F.one_hot(y, n_way)) / len(z)
    return torch.vmap(lambda a: a @ (weight - inner_lr * slope.T @ z).T + bias - inner_lr * slope.sum(0))(asked)


def of_shape_1(theta, tasks, alpha):
    total = torch.zeros(1, dtype=theta.dtype)
    for support, query in tasks:
        total = total + query(theta - alpha * torch.autograd.grad(support(theta), theta, create_graph=True)[0])
    return total


class Flat(ml.Learner):
    def adapt(self, support):
        seen = support.x.reshape(*support.x.shape[:2], 784)                            # what the exercise says that images are
        return lambda x: F.one_hot(support.y.gather(1, torch.cdist(x.reshape(*x.shape[:2], 784), seen).argmin(-1)),
                                   int(support.y.max()) + 1).float()


class Inherited(Flat):
    """Its `adapt` is the reader's own base class's."""


class Static(ml.MAML):
    @staticmethod
    def adapts(name):
        return name.endswith("bias")


class InAList(ml.Unrolled):
    def __init__(self, network, lr):
        super().__init__(network, learn_start=False)
        self.lr = lr

    def move(self, theta, gradient, loss, memory):
        return [theta - self.lr * gradient.sign(), None, {}]


@pytest.mark.parametrize("verdict", [
    lambda: rooms.background.examples_needed(read_off),
    lambda: rooms.background.ci95(lambda v: statistics.NormalDist().inv_cdf(0.975) * v.std() / math.sqrt(len(v) - 1)),
    lambda: rooms.concepts.prototype_logits(prototypes_in_lists),
    lambda: rooms.concepts.neighbour(Flat), lambda: rooms.concepts.neighbour(Inherited),
    lambda: rooms.maml.maml_loss(of_shape_1), lambda: rooms.maml.bias_only(Static), lambda: rooms.meta_lstm.sign_sgd(InAList),
    lambda: rooms.meta_lstm.prediction(f="1", i="0.05", left="0.88"),
    lambda: rooms.meta_lstm.prediction(f=Decimal(1), i=Fraction(1, 20), left=torch.sigmoid(torch.tensor(4.5)) ** 12),
    lambda: rooms.meta_lstm.prediction(f=np.int64(1), i=np.float16(0.05), left=0.85),
    lambda: rooms.few_shot_learning.one_step_from_zero(parameters_without_autograd),
    lambda: rooms.few_shot_learning.honest_draw(in_sets),
    lambda: rooms.recommendation.draw(lambda films, k, n, rng: tuple(map(films.__getitem__, map(list, in_sets(rng, len(films), k, n))))),
    lambda: rooms.challenges.conjugate_gradient(residuals_anew),
])
def test_right_in_another_style(verdict):
    assert verdict().passed, verdict()


def test_a_dear_solver_is_right_and_told_so():
    assert "one call a step would do" in rooms.challenges.conjugate_gradient(residuals_anew).text


# Sizes written into the code, arguments ignored, classes left out -------------------------------------------------------------

def four_points(accuracy, shots, curve):
    if accuracy <= curve[0]:
        return shots[0]
    for i in range(1, 4):
        if i < len(curve) and curve[i - 1] < accuracy <= curve[i]:
            part = (accuracy - curve[i - 1]) / (curve[i] - curve[i - 1])
            return shots[i - 1] ** (1 - part) * shots[i] ** part
    return math.inf


def fifteen_images(a, b):
    centre = torch.eye(15) - 1 / 15
    k, m = centre @ a @ a.T @ centre, centre @ b @ b.T @ centre
    return (k * m).sum() / (k.norm() * m.norm())


def two_layers(net, support, query, alpha):
    def forward(x, a, b, c, d):
        return torch.tanh(x @ a.T + b) @ c.T + d
    start = list(net.parameters())
    slopes = torch.autograd.grad(F.mse_loss(forward(support[0], *start), support[1]), start, create_graph=True)
    return list(torch.autograd.grad(F.mse_loss(forward(query[0], *(p - alpha * g for p, g in zip(start, slopes))), query[1]), start))


def three_tasks(q, dq, wanted, speed, acceleration, pull, brake):
    return torch.stack([acceleration[t] + pull * (wanted[t] - q[t]) + brake * (speed[t] - dq[t]) for t in range(3)])


def no_class_without_example(z, y, q, n_way):
    return (-(q[:, None] - z).square().sum(-1)).softmax(1) @ F.one_hot(y).float()


def short_words_count_once(sentence, shortest, longest):
    return [f" {w} "[i:i + n] for w in sentence.split() for n in range(shortest, longest + 1) for i in range(max(1, len(w) + 3 - n))]


def without_formula(z, y, asked, inner_lr, n_way):
    slopes = torch.func.jacfwd(lambda w, b: F.cross_entropy(z @ w.T + b, y), argnums=(0, 1))(
        torch.zeros(n_way, z.shape[1]), torch.zeros(n_way))
    return -inner_lr * (asked @ slopes[0].T + slopes[1])


def moving(rule):
    class Answer(InAList):
        def move(self, theta, gradient, loss, memory):
            return rule(theta, gradient, self.lr, memory)
    return Answer


def heavy(theta, gradient, lr, memory):
    velocity = gradient if memory is None else 0.9 * memory + gradient
    return theta - lr * velocity.sign(), velocity, {}


def loss_at(theta, tasks, alpha, steps=1):
    total = 0
    for support, query in tasks:
        place = theta
        for _ in range(steps):
            place = place - alpha * torch.autograd.grad(support(place), place, create_graph=True)[0]
        total = total + query(place)
    return total


class Forgotten(ml.Learner):
    def adapt(self, support):
        def predict(x):
            torch.cdist(x.flatten(2), support.x.flatten(2))
        return predict


def brute_force(matvec, b, steps):
    x = torch.zeros_like(b)
    for _ in range(100 * steps):
        residual = b - matvec(x)
        x = x + (residual @ residual) / (residual @ matvec(residual)) * residual if residual.any() else x
    return x


@pytest.mark.parametrize("verdict, words", [
    (lambda: rooms.background.examples_needed(four_points), "For accuracy 0.85"),
    (lambda: rooms.background.ci95(lambda v: 2 * v.std(ddof=1) / len(v) ** 0.5), "not 2"),
    (lambda: rooms.image_classification.cka(fifteen_images), "RuntimeError"),
    (lambda: rooms.maml.outer_gradient(two_layers), "Your code stopped"),
    (lambda: rooms.robot_learning.command_checked(three_tasks), "expected a tensor of shape [5, 1, 2]"),
    (lambda: rooms.concepts.attend(no_class_without_example), "`n_way` says how many columns there are"),
    (lambda: rooms.few_shot_learning.ngrams(short_words_count_once), "is too much"),
    (lambda: rooms.few_shot_learning.one_step_from_zero(without_formula), "autograd found them"),
    (lambda: rooms.robot_learning.goal_from(lambda h, a: (h + a / 5)[-1]), "The last moment alone"),
    (lambda: rooms.robot_learning.goal_from(lambda h, a: (h + a / 5)[(a < 1).all(-1)].mean(0)), "clipped at -1, too"),
    (lambda: rooms.robot_learning.goal_from(lambda h, a: (h + a / 5)[(a > -1).all(-1)].mean(0)), "clipped at +1, too"),
    (lambda: rooms.meta_lstm.sign_sgd(moving(lambda t, g, lr, m: (t - 0.02 * g.sign(), None, {}))), "lr=0.05"),
    (lambda: rooms.meta_lstm.sign_sgd(moving(lambda t, g, lr, m: (torch.where(g > 0, t - lr, t + lr), None, {}))), "sign(0) is 0"),
    (lambda: rooms.meta_lstm.sign_sgd(moving(heavy)), "nothing but this step's gradient"),
    (lambda: rooms.maml.maml_loss(lambda t, tasks, a: loss_at(t, tasks, 0.1)), "alpha = 0.1 only"),
    (lambda: rooms.maml.maml_loss(lambda t, tasks, a: loss_at(t, tasks, a, steps=2)), "two inner steps"),
    (lambda: rooms.robot_learning.interval(lambda k, n: (lambda low, high: ((low + high) / 2, (high - low) / 2))(
        *FUNCTIONS["robot_learning.interval"][1](k, n))), "return the two ends"),
    (lambda: rooms.concepts.neighbour(Forgotten), "End it with `return`"),
    (lambda: rooms.challenges.conjugate_gradient(brute_force), "what is `steps` used for?"),
    (lambda: rooms.drug_discovery.training_molecules(lambda s, share, rng: (rng.rand(s.max() + 1) < 0.5)[s]), "25 % it goes wrong"),
])
def test_wrong_and_why(verdict, words):
    assert words in verdict().text and verdict().attempted and not verdict().passed, verdict()


REFERENCES = {name: given for name, given in FUNCTIONS.items() if name != "challenges.conjugate_gradient"}       # its matvec is always new


@pytest.mark.parametrize("name, i", [(name, i) for name, (_, function) in REFERENCES.items() for i in range(len(signature(function).parameters))])
def test_an_argument_that_is_ignored_is_noticed(name, i):
    """Whatever came first as this argument is used for ever."""
    check, function = REFERENCES[name]
    first: list = []

    def ignoring(*inputs):
        first.append(inputs[i].clone() if isinstance(inputs[i], torch.Tensor) else copy(inputs[i]))
        given = first[0].clone() if isinstance(first[0], torch.Tensor) and not first[0].requires_grad else first[0]
        return function(*inputs[:i], given, *inputs[i + 1:])
    assert not check(ignoring).passed and check(ignoring).attempted


def test_directions_are_not_blamed_where_the_residual_is_computed_anew():
    def a_step_short(matvec, b, steps):
        return residuals_anew(matvec, b, steps - 1)
    said = rooms.challenges.conjugate_gradient(a_step_short).text
    assert "by hand" in said and "directions" not in said


# What is said ------------------------------------------------------------------------------------------------------------------

def test_an_operation_that_pytorch_lacks_is_no_stub():
    def lacks(values):
        return torch.arange(len(values)).softmax(0).sum()                               # "not implemented for 'Long'"

    def stub(values):
        raise NotImplementedError("to be written")
    assert rooms.background.ci95(lacks).attempted and not rooms.background.ci95(stub).attempted


def test_dots_that_were_left_in_the_code_are_named():
    def half_written(values):
        spread = ...
        return 1.96 * spread
    assert "Three dots are still there" in rooms.background.ci95(half_written).text


def test_what_is_still_open_is_named():
    assert rooms.concepts.prediction(close="tie", few=..., far="").text.startswith("Not attempted yet. Still open: few, far. Put ")
    assert "Still open" not in rooms.concepts.prediction().text
    assert "Still open: left." in rooms.meta_lstm.prediction(f=1, i=0.05).text
    assert "Still open: STOPS." in rooms.image_classification.prediction(learns="half").text
    assert "Still open: MY_CHECK." in rooms.image_classification.exhibit(type("E", (ml.MAML,), {"update": functional_call})).text


@pytest.mark.parametrize("check, given", [
    (rooms.background.prediction, dict(one="meta", thirty="From Scratch!", shifted="meta")),
    (rooms.concepts.prediction, dict(close="a draw", few="maml", far="random")),
    (rooms.maml.prediction, dict(before="pretraining", after="MAML", later="it shrinks")),
    (rooms.image_classification.prediction, dict(stops="six", learns="at chance", ahead="one")),
    (rooms.few_shot_learning.prediction, dict(one="protonet", twenty="logistic", please="downwards")),
    (rooms.recommendation.prediction, dict(one="the biases", five="Nearly all!", cold="a regression")),
    (rooms.drug_discovery.prediction, dict(few="MAML", many="random forest", unlike="a draw", no_label="above", record="a draw")),
    (rooms.challenges.prediction, dict(maml="linear", implicit="constant", inside="the CNP", outside="MAML")),
    (rooms.faq.diagnosis, dict(before="leak", same="unused", worse="too large", alone="batch")),
    (rooms.faq.enough_tasks, dict(maml="ten", cnp="fifty")),
])
def test_predictions_in_a_reader_s_words(check, given):
    assert check(**given).passed, check(**given)


@pytest.mark.parametrize("said", ["not MAML", "MAML or random", "nearest", "no tie", "ra", "first"])
def test_words_that_leave_a_doubt_are_asked_again(said):
    assert "which is none of" in rooms.concepts.prediction(close=said, few="MAML", far="random").text
