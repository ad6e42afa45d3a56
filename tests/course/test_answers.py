"""Every checker is fair: right answers pass in whatever form they come, and what breaks a task's own rule is refused everywhere.

The reference answers are the solutions that stand in the notebooks; each wrapper below turns them into another reader's answer.
"""
import ast
import copy
import inspect
import random
from collections import Counter
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from torch import Tensor

import metalib as ml

torch.set_num_threads(1)


def references() -> dict:
    """'room.check' -> (checker, the solution: a function, a class, or the arguments of a prediction)."""
    found = {}
    for path in sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9]*.ipynb")):
        space = {"ml": ml, "torch": torch}
        exec("import math", space)
        for cell in nbformat.read(path, as_version=4).cells:
            if "solution" in cell.metadata.get("tags", []):
                *body, last = ast.parse(cell.source).body
                exec(compile(ast.Module(body, []), str(path), "exec"), space)
                _, _, room, check = ast.unparse(last.value.func).split(".")
                given = [eval(ast.unparse(a), space) for a in last.value.args]
                by_name = {k.arg: eval(ast.unparse(k.value), space) for k in last.value.keywords}
                found[f"{room}.{check}"] = (getattr(getattr(ml.checks, room), check), given, by_name)
    return found


ALL = references()
FUNCTIONS = {name: (check, given[0]) for name, (check, given, _) in ALL.items() if given and inspect.isfunction(given[0])}
DIFFERENTIATED = {"recommendation.counting", "maml.maml_loss", "maml.outer_gradient", "meta_lstm.log_and_sign", "meta_lstm.unroll"}
TENSORS = ("concepts.prototype_logits", "concepts.attend", "few_shot_learning.one_step_from_zero", "robot_learning.goal_from",
           "robot_learning.command_checked", "challenges.implicit_gradient")
NUMBERS = ("background.examples_needed", "background.ci95", "image_classification.cka", "recommendation.mood",
           "recommendation.ndcg_at_1", "drug_discovery.auc", "challenges.best_rate")
DRAWS = ("few_shot_learning.honest_draw", "recommendation.draw", "drug_discovery.training_molecules")
every = pytest.mark.parametrize("name", FUNCTIONS)


def mapped(value, change):
    """A change made to every tensor, array and number of an answer, in lists and tuples too."""
    return type(value)(mapped(v, change) for v in value) if isinstance(value, (list, tuple)) else change(value)


def wrapped(function, after=lambda value: value, before=lambda value: value):
    """The same answer with its inputs and its result in another form."""
    return lambda *inputs: mapped(function(*(mapped(i, before) if isinstance(i, (list, tuple)) else before(i) for i in inputs)), after)


def decimal(dtype: torch.dtype):
    def cast(value):
        if isinstance(value, Tensor) and value.is_floating_point():
            return value.to(dtype)
        is_decimal = isinstance(value, np.ndarray) and value.dtype.kind == "f"
        return value.astype(str(dtype).removeprefix("torch.")) if is_decimal else value
    return cast


def as_numpy(value):
    return value.detach().numpy() if isinstance(value, Tensor) else np.float64(value) if isinstance(value, float) else value


def as_list(value):
    return value.tolist() if isinstance(value, (Tensor, np.ndarray)) else value


def as_scalar(value):
    return torch.tensor(value) if isinstance(value, (int, float, np.floating)) else value


def test_every_exercise_has_a_reference():
    assert len(ALL) == 42 and set(FUNCTIONS) == {*DIFFERENTIATED, *TENSORS, *NUMBERS, *DRAWS, "few_shot_learning.ngrams",
                                                 "robot_learning.interval", "challenges.conjugate_gradient"}


# What is right in another form is right ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@every
def test_answers_in_single_and_in_double_precision(name, dtype):
    check, function = FUNCTIONS[name]
    assert check(wrapped(function, decimal(dtype))).passed, check(wrapped(function, decimal(dtype)))
    if name not in DIFFERENTIATED | {"challenges.conjugate_gradient"}:              # those are handed networks and losses in double
        assert check(wrapped(function, before=decimal(dtype))).passed, check(wrapped(function, before=decimal(dtype)))


@pytest.mark.parametrize("form", [as_numpy, as_list, as_scalar])
@pytest.mark.parametrize("name", [*TENSORS, *NUMBERS, *DRAWS, "robot_learning.interval", "challenges.conjugate_gradient"])
def test_answers_of_numpy_lists_and_torch_scalars(name, form):
    check, function = FUNCTIONS[name]
    assert check(wrapped(function, form)).passed, check(wrapped(function, form))


@every
def test_code_that_works_in_place(name):
    """It may use up what it was handed: it got copies."""
    check, function = FUNCTIONS[name]

    def spoiling(*inputs):
        result = mapped(function(*inputs), lambda v: copy.deepcopy(v) if isinstance(v, np.ndarray) else
                        v.clone() if isinstance(v, Tensor) else v)
        if name != "maml.outer_gradient":                                          # its graph still needs the points
            for value in inputs:
                if isinstance(value, Tensor) and not value.requires_grad:
                    value.zero_()
                if isinstance(value, np.ndarray):
                    value.fill(0)
        return result
    if name != "meta_lstm.unroll":                                                 # its start is differentiated
        assert check(spoiling).passed, check(spoiling)


@every
def test_under_no_grad_and_with_another_default_precision(name):
    check, function = FUNCTIONS[name]
    with torch.no_grad():
        assert check(function).passed
    try:
        torch.set_default_dtype(torch.float64)
        assert check(function).passed, check(function)
    finally:
        torch.set_default_dtype(torch.float32)


def test_asked_twice_in_another_order_from_other_random_states_every_verdict_is_the_same():
    said = []
    for seed, order in ((1, list(ALL)), (2, list(ALL)[::-1])):
        np.random.seed(seed), random.seed(seed), torch.manual_seed(seed)
        before = np.random.get_state()[1].copy(), random.getstate(), torch.get_rng_state()
        said.append({name: ALL[name][0](*ALL[name][1], **ALL[name][2]) for name in order})
        assert np.array_equal(np.random.get_state()[1], before[0]) and random.getstate() == before[1]
        assert torch.equal(torch.get_rng_state(), before[2])
    assert said[0] == said[1] and all(verdict.passed for verdict in said[0].values())


@pytest.mark.parametrize("check, given", [
    (ml.checks.image_classification.prediction, dict(stops=np.int64(6), learns="chance", ahead="one")),
    (ml.checks.image_classification.prediction, dict(stops=6.0, learns="Chance", ahead="ONE")),
    (ml.checks.image_classification.prediction, dict(stops=torch.tensor(6), learns="chance", ahead="one")),
    (ml.checks.meta_lstm.prediction, dict(f=torch.tensor(1.0), i=np.float32(0.05), left=np.float64(0.876))),
    (ml.checks.meta_lstm.prediction, dict(f=1, i=torch.tensor(0.05), left=torch.tensor([0.88]))),
    (ml.checks.faq.enough_tasks, dict(maml=torch.tensor(10), cnp=np.int32(50))),
    (ml.checks.faq.enough_tasks, dict(maml="10", cnp=500)),
])
def test_predictions_in_other_forms(check, given):
    assert check(**given).passed, check(**given)


# What breaks the task's own rule is refused -----------------------------------------------------------------------------------

def remembered(function, key):
    """Answers from memory wherever the key was met before."""
    memory: dict = {}

    def from_memory(*inputs):
        met = key(inputs)
        if met not in memory:
            memory[met] = function(*inputs)
        return memory[met]
    return from_memory


def shapes(inputs) -> tuple:
    return tuple(np.shape(v) if isinstance(v, (Tensor, np.ndarray)) else type(v) for v in inputs)


@pytest.mark.parametrize("key", [lambda inputs: None, shapes], ids=["for ever", "by shape"])
@every
def test_results_of_an_earlier_call_are_refused(name, key):
    check, function = FUNCTIONS[name]
    verdict = check(remembered(function, key))
    assert verdict.attempted and not verdict.passed


@every
def test_the_answer_to_the_question_before_is_refused(name):
    check, function = FUNCTIONS[name]
    last: list = []

    def late(*inputs):
        last.append(function(*inputs))
        return last[-2] if len(last) > 1 else last[-1]
    verdict = check(late)
    assert verdict.attempted and not verdict.passed


@pytest.mark.parametrize("name", [*TENSORS, *NUMBERS])
def test_answers_that_pile_up_are_told_so(name):
    check, function = FUNCTIONS[name]
    calls: list = []

    def piling(*inputs):
        calls.append(1)
        return function(*inputs) + (len(calls) > 3)
    assert not check(piling).passed


@every
def test_a_forgotten_return_is_said_and_a_stub_is_not_attempted(name):
    check, function = FUNCTIONS[name]

    def forgotten(*inputs):
        function(*inputs)

    def stub(*inputs):
        """Here comes the answer."""
    assert "End it with `return`" in check(forgotten).text and check(forgotten).attempted
    assert not check(stub).attempted and check(stub).text.startswith("Not attempted yet. ")


@pytest.mark.parametrize("name, words", [("maml.maml_loss", "no gradient can flow"), ("meta_lstm.log_and_sign", "no gradient can flow"),
                                         ("meta_lstm.unroll", "No gradient reaches the optimiser's weights")])
def test_what_will_be_differentiated_must_not_be_detached(name, words):
    check, function = FUNCTIONS[name]
    verdict = check(wrapped(function, lambda value: value.detach()))
    assert words in verdict.text and not verdict.passed, verdict


def test_autograd_inside_the_answer_is_not_blamed_on_a_line_of_the_code():
    def used_up(theta, tasks, alpha):
        total = FUNCTIONS["maml.maml_loss"][1](theta, tasks, alpha)
        torch.autograd.grad(total, theta)                                           # and the graph is gone
        return total
    verdict = ml.checks.maml.maml_loss(used_up)
    assert "Your code ran, but what it returned cannot be differentiated" in verdict.text


@pytest.mark.parametrize("name", DRAWS)
def test_another_random_state_than_the_one_handed_in_is_refused(name):
    check, function = FUNCTIONS[name]
    seen: Counter = Counter()

    def other(*inputs):
        fresh = np.random.RandomState(np.random.randint(2**31))                     # of NumPy's global state
        seen.update([1])
        return function(*(fresh if isinstance(v, np.random.RandomState) else v for v in inputs))
    assert "alone" in check(other).text and seen[1], check(other)
    fixed = wrapped(function, before=lambda v: np.random.RandomState(0) if isinstance(v, np.random.RandomState) else v)
    assert not check(fixed).passed


@pytest.mark.parametrize("name", [*TENSORS, *NUMBERS])
def test_two_numbers_that_look_the_same_are_printed_until_they_differ(name):
    check, function = FUNCTIONS[name]
    verdict = check(lambda *inputs: function(*inputs) * 1.001)
    yours, expected = verdict.text.split("yours = ")[1].split(", expected ")
    assert yours != expected.split(". ")[0].split(" ")[0].rstrip(".") and not verdict.passed


# Learners of one's own --------------------------------------------------------------------------------------------------------

Neighbour = ALL["concepts.neighbour"][1][0]


def scoring(change):
    class Answer(Neighbour):
        def adapt(self, support):
            predict = super().adapt(support)
            return lambda x: change(predict(x))
    return Answer


class Shared(Neighbour):
    """Keeps one support set for all its predictors."""

    def adapt(self, support):
        self.support = support
        return lambda x: Neighbour.adapt(self, self.support)(x)


class FiveWays(ml.Learner):
    def adapt(self, support):
        return lambda x: Neighbour().adapt(support)(x)[..., :3]


@pytest.mark.parametrize("cls, words", [
    (scoring(lambda s: torch.nn.functional.one_hot(s.argmax(-1), s.shape[-1])), "asks for decimal numbers"),
    (scoring(lambda s: -s), "A minus is missing"), (Shared, "each has to keep its own"), (FiveWays, "sizes written into the code"),
    (scoring(lambda s: s * torch.nan), "NaN"),
])
def test_a_neighbour_that_evaluate_would_refuse_is_refused(cls, words):
    verdict = ml.checks.concepts.neighbour(cls)
    assert words in verdict.text and not verdict.passed, verdict


@pytest.mark.parametrize("change", [lambda s: s.double(), lambda s: s.exp(),
                                    lambda s: torch.nn.functional.one_hot(s.argmax(-1), s.shape[-1]).float()])
def test_a_neighbour_with_other_scores_is_right(change):
    assert ml.checks.concepts.neighbour(scoring(change)).passed, ml.checks.concepts.neighbour(scoring(change))


def test_sign_descent_at_a_slope_of_zero():
    class Divides(ALL["meta_lstm.sign_sgd"][1][0]):
        def move(self, theta, gradient, loss, memory):
            return theta - self.lr * gradient / gradient.abs(), None, {}
    assert "what is 0 / 0?" in ml.checks.meta_lstm.sign_sgd(Divides).text
