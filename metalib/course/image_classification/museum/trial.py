"""The listing of section 5 on trial: a way to run it, three measurements, and whether it learns.

It claims to be MAML: Finn, Abbeel, Levine 2017, https://arxiv.org/abs/1703.03400, algorithm 2. It is a text (listing.py), so that
what is measured is what is read.
"""
from __future__ import annotations

import copy
import sys
import traceback
from collections.abc import Iterator
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from ....episodes import generator
from ....storage import shipped
from ....learners import MAML
from ....networks import conv4
from ....tasks import Glyphs
from ....evaluation import Score, evaluate
from ....training import train
from .listing import stages

Task = tuple[Tensor, Tensor, Tensor, Tensor]      # x_spt, y_spt, x_qry, y_qry


def run(text: str) -> SimpleNamespace:
    """Run a text from top to bottom; what it has defined, as attributes. It finds here `small_network` and `some_tasks`."""
    names = {"small_network": small_network, "some_tasks": some_tasks, "some_batches": some_batches}
    exec(compile(text, "<listing>", "exec"), names)               # ours, or the reader's own edit of it
    return SimpleNamespace(**{name: value for name, value in names.items() if not name.startswith("__")})


def attempt(text: str) -> str:
    """What happens to whoever runs the text: the line that stops it and the error, or that it runs."""
    try:
        run(text)
    except (NameError, TypeError, AttributeError, RuntimeError) as error:
        line = [frame.lineno for frame in traceback.extract_tb(sys.exc_info()[2]) if frame.filename == "<listing>"][-1]
        said = str(error).partition(". ")[0] if len(str(error)) > 100 else error
        return f"line {line}, {text.splitlines()[line - 1].split('#')[0].strip()}\n    {type(error).__name__}: {said}"
    return "it runs to its end"


def small_network(dtype: torch.dtype = torch.float32) -> nn.Module:
    """The same small network every time: 5 answers for images of 28 x 28."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return conv4(5, channels=8).to(dtype)


def some_tasks(n: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Iterator[Task]:
    """Tasks of five glyphs, one drawing of each to learn from and three to be judged on, as the listing takes them."""
    episode = Glyphs(seed=0).sample(n, n_way=5, k_shot=1, n_query=3, seed=(seed, n)).to(dtype)
    yield from zip(episode.support.x, episode.support.y, episode.query.x, episode.query.y)


def some_batches(n: int, meta_batch: int, seed: int = 0) -> Iterator[list[Task]]:
    """Batches of such tasks."""
    tasks = list(some_tasks(n * meta_batch, seed))
    return (tasks[i:i + meta_batch] for i in range(0, len(tasks), meta_batch))


# The three measurements: in float64, each on a fresh copy of the same start ---------------------------------------------------

def fresh(text: str) -> nn.Module:
    """The text's `MAML` around the small network, in float64."""
    model = run(text).model
    model.model.load_state_dict(small_network().state_dict())
    model.zero_grad()
    return model.double()


def start_moved(model: nn.Module, task: Task) -> float:
    """How far a mere forward pass moves the initial parameters and buffers, relative to their size: 0 if each task begins where all do."""
    model = copy.deepcopy(model)
    before = whole_state(model)
    model(*task)
    return ((whole_state(model) - before).norm() / before.norm()).item()


def whole_state(model: nn.Module) -> Tensor:
    """Parameters and buffers that are numbers, in one row, copied."""
    return torch.cat([t.detach().flatten() for t in (*model.parameters(), *model.buffers()) if t.is_floating_point()])


def gradient(model: nn.Module, task: Task, zero_first: bool = False) -> Tensor:
    """What `backward` leaves in .grad after one task, as one vector: the listing's last three lines but one; or those lines in the
    order in which they stand in every tutorial, `zero_first`."""
    model = copy.deepcopy(model)
    model.zero_grad()
    loss = model(*task)
    if not zero_first:
        model.zero_grad()
    loss.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def order_matters(model: nn.Module, task: Task) -> float:
    """How far the gradient moves, as a part of its size, if the old one is cleared before the forward pass and not after it."""
    found = gradient(model, task)
    return ((gradient(model, task, zero_first=True) - found).norm() / found.norm()).item()


def with_statistics(model: nn.Module) -> nn.Module:
    """The same learner, its batch norm now keeping running statistics, as PyTorch's does unless it is told not to."""
    model = copy.deepcopy(model)
    body = model.model.body
    for i, layer in enumerate(body):
        if isinstance(layer, nn.BatchNorm2d):
            body[i] = nn.BatchNorm2d(layer.num_features).double()
    return model


def gradient_off(model: nn.Module, task: Task, directions: int = 5, h: float = 1e-6) -> float:
    """How far that is from the slopes of the loss itself, by finite differences in random directions: a part of the largest."""
    rng, wrong, largest = generator(5), 0.0, 0.0
    found, start = gradient(model, task), nn.utils.parameters_to_vector(model.parameters()).detach()
    for _ in range(directions):
        v = torch.from_numpy(rng.standard_normal(len(start)))
        slope = (loss_at(model, start + h * v, task) - loss_at(model, start - h * v, task)) / (2 * h)
        wrong, largest = max(wrong, abs(slope - (found @ v).item())), max(largest, abs(slope))
    return wrong / largest


def loss_at(model: nn.Module, start: Tensor, task: Task) -> float:
    """The outer loss of one task from another start."""
    model = copy.deepcopy(model)
    nn.utils.vector_to_parameters(start, model.parameters())
    return model(*task).item()


def scatter(model: nn.Module, meta_batch: int, n: int = 96, seed: int = 1) -> float:
    """How much a meta-batch's gradient changes from batch to batch: its standard deviation over n tasks in batches."""
    grads = torch.stack([gradient(model, task) for task in some_tasks(n, seed=seed, dtype=torch.float64)])
    return grads.view(n // meta_batch, meta_batch, -1).mean(1).std(0).norm().item()


def verdict(text: str) -> str:
    """The first two measurements of a text, as a sentence."""
    model, task = fresh(text), next(some_tasks(1, seed=3, dtype=torch.float64))
    moved, off = start_moved(model, task), gradient_off(model, task)
    return (f"one forward pass moves the start by {100 * moved:.0f} % of its size; "
            f"the gradient is {f'{100 * off:.0f} % off' if off > 1e-5 else 'right (within 1e-5 of finite differences)'}")


# Does it learn? ---------------------------------------------------------------------------------------------------------------

NEW = dict(n_way=5, k_shot=1, n_query=5)


def trained(text: str, n_tasks: int, seed: int = 0) -> MAML:
    """Run the text on this many training tasks instead of its few; its network, as a learner that takes one step."""
    many = text.replace("some_tasks(2)", f"some_tasks({n_tasks}, {seed})")
    many = many.replace("some_batches(2, meta_batch=16)", f"some_batches({n_tasks // 16}, 16, {seed})")
    return MAML(run(many).model.model, inner_lr=0.4)


def judged(learner: MAML, episodes: int = 200, seed: int = 2) -> Score:
    """Accuracy on glyphs of a family that no stage was trained on."""
    return evaluate(learner, Glyphs(seed=1), episodes, seed, together=True, **NEW)


def measured() -> dict:
    """What `python -m metalib measure trial` wrote."""
    return shipped("trial")


def trial(n_tasks: int = 800) -> dict:
    """Train every stage on the same tasks, the last also for as many steps, and say what they reach."""
    learners = {name: trained(text, n_tasks) for name, text in stages().items()}
    longer = MAML(small_network(), inner_lr=0.4)
    train(longer, Glyphs(seed=0), n_tasks, meta_batch=16, lr=3e-3, progress=False, n_way=5, k_shot=1, n_query=3)
    learners["16 tasks in a step, as many steps"] = longer
    scores = {name: judged(learner, 600) for name, learner in learners.items()}
    return {"tasks": n_tasks, "accuracy": {name: [round(score.mean, 4), round(score.ci95, 4)] for name, score in scores.items()}}
