"""One `evaluate` for every learner and every task family, and the one interval of the course."""
import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from .episodes import Episode, Stream, Tasks, at_least, draw, task_score
from .identity import name_of
from .learners import Learner
from .learners.base import together as as_one_batch
from .metrics import TaskMetric
from .tasks import Loaded

BLOCK = 50              # episodes drawn at once in evaluation: fixed, so every learner is judged on the same ones
NUMBERS = 20_000_000    # in one block of inputs at most (80 MB): larger tasks are drawn a few at a time


def mean_ci(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and half-width of its 95 % confidence interval, by Student's t: independent values [n, ...] -> [...] twice.

    Raises ValueError for fewer than two values.
    """
    n = len(values)
    at_least(2, n=n)
    return values.mean(0), t95(n - 1) * values.std(0, ddof=1) / math.sqrt(n)


def t95(freedom: int) -> float:
    """The 97.5 % point of Student's t: 12.7 with one degree of freedom, 2.05 with 28, 1.96 with ever more."""
    from scipy.special import stdtrit                              # comes with scikit-learn; imported late, it takes a while
    return float(stdtrit(freedom, 0.975))


@dataclass(frozen=True)
class Score:
    """What `evaluate` found.

    Arguments:
        mean, ci95: mean over episodes, and half-width of its 95 % confidence interval, by Student's t.
        values: the score of each episode, [episodes].
        metric: "accuracy" (0 to 1), "mse" (squared units of y), or the name of the metric or loss that judged.
        what: the setting in words.
        transductive: True where a query's answer depends on the other queries (batch norm does that).
    """

    mean: float
    ci95: float
    values: np.ndarray = field(repr=False)
    metric: str
    what: str
    transductive: bool

    def __str__(self) -> str:
        mode = ", transductive" if self.transductive else ""
        if self.metric == "accuracy":
            return f"accuracy {100 * self.mean:.1f} % ± {100 * self.ci95:.1f} ({self.what}{mode})"
        name = "mean squared error" if self.metric == "mse" else self.metric
        return f"{name} {self.mean:.3f} ± {self.ci95:.3f} ({self.what}{mode})"


@torch.inference_mode(False)
@torch.no_grad()
def evaluate(learner: Learner, tasks: Tasks | Episode | Sequence[Episode], episodes: int = 600, seed: int = 2, *,
             steps: int | None = None, together: bool = False, metric: TaskMetric | None = None, device: str = "cpu",
             **shape) -> Score:
    """Adapt to each of many new tasks and score the queries, exactly as `learner.adapt(support)(x)` answers them in use.

    Arguments:
        tasks: a family; or fixed trials, one Episode or a list of them, which are judged as they are.
        episodes, seed: how many tasks of a family, and which; the same seed gives every learner the same tasks.
        steps: inner steps, for a learner that takes them; default: its own.
        together: show a network that normalises by its batch all queries of a task at once, as the papers do ("transductive"). By
            default each is answered beside the support set, as if it came alone.
        metric: one of `metalib.metrics`, or any function (predictions, truth) -> one score per task.
        device: where to compute; the learner is back where it was afterwards, in the mode it was in.
        shape: n_way, k_shot, n_query, as the family's `sample` takes them.

    Returns:
        Score: of `metric`; without one, accuracy for tasks with classes, and for tasks with values the mean squared error, or the
        learner's own loss where it has one.

    Raises:
        TypeError: for a family that returns no Episode.
        ValueError: for fewer than two episodes, a family that returns another number of tasks than it was asked for, or a metric
            that gives something else than one score per task.

    A task whose answers hold NaN has the score NaN, whatever the metric.
    """
    options = {} if steps is None else {"steps": steps}
    values, transductive = [], False
    with random_streams_kept(), as_it_was(learner, device):
        for part in parts(learner, tasks, episodes, seed, shape):
            part = part.to(device, dtype_of(learner))
            predict = learner.adapt(part.support, **options)
            predict = as_one_batch(predict) if together else predict
            answers = predict(part.query.x)
            judge = metric or (learner.task_loss if own_loss(learner, part) else task_score)
            found = torch.as_tensor(judge(answers, part.query.y)).cpu().double()
            if found.shape != (len(part),):
                raise ValueError(f"the metric gave shape {list(found.shape)} for {len(part)} tasks; return one score per task.")
            values.append(found.masked_fill(answers.isnan().flatten(1).any(1).cpu(), math.nan))
            if len(values) == 1 and part.query.x.shape[1] > 1:
                transductive = not torch.allclose(predict(part.query.x[:, :1]), answers[:, :1], rtol=1e-3, atol=1e-3, equal_nan=True)
    at_least(2, episodes=sum(map(len, values)))
    scores = torch.cat(values).numpy()
    name = name_of(metric or (learner.loss if own_loss(learner, part) else None)) or (
        "mse" if part.query.y.is_floating_point() else "accuracy")
    sizes = ", ".join(f"{name} {value}" for name, value in {**shape, **options}.items())
    mean, half = mean_ci(scores)
    drawn = f"{len(scores)} episodes" + (f", seed {seed}" if given(tasks) is None else "")
    return Score(float(mean), float(half), scores, name, drawn + (f", {sizes}" if sizes else ""), transductive)


def given(tasks) -> list[Episode] | None:
    """Trials that are judged as they are, each once; None for a family, to draw from."""
    tasks = [tasks] if isinstance(tasks, Episode) else tasks.tasks if isinstance(tasks, Loaded) else tasks
    if not isinstance(tasks, (list, tuple)):
        return None
    if not tasks:
        raise ValueError("episodes is 0: the list of trials is empty; give at least one Episode.")
    if other := [type(one).__name__ for one in tasks if not isinstance(one, Episode)]:
        raise TypeError(f"the list of trials holds a {other[0]}; give Episodes, or ml.tasks.Loaded(batches) for tuples.")
    return list(tasks)


def parts(learner: Learner, tasks, episodes: int, seed: int, shape: dict) -> Iterator[Episode]:
    """The tasks to be judged on, as many at once as the learner takes, and as fit into memory."""
    if (trials := given(tasks)) is not None:
        if shape:
            raise TypeError(f"the trials are fixed; leave out {', '.join(shape)}.")
        for trial in trials:
            yield from trial.split(learner.task_chunk)
        return
    at_least(2, episodes=episodes)
    size = BLOCK
    for first in range(0, episodes, BLOCK):
        count = min(BLOCK, episodes - first)
        if first == 0 and count > 1:                              # how large is one task? The probe is drawn and forgotten
            probe = draw(tasks, 1, Stream(seed, first), **shape)
            numbers = probe.support.x.numel() + probe.query.x.numel()
            size = BLOCK if BLOCK * numbers <= NUMBERS else max(1, NUMBERS // numbers)
        for start in range(0, count, size):
            block = Stream(seed, first) if start == 0 else Stream(seed, first, start)
            yield from draw(tasks, min(size, count - start), block, **shape).split(learner.task_chunk)


def own_loss(learner: Learner, part: Episode) -> bool:
    """Are values judged by the loss that the learner was given?"""
    return learner.loss is not None and part.query.y.is_floating_point()


def dtype_of(learner: Learner) -> torch.dtype | None:
    """The floating-point type that the learner computes in; None where it has no parameters."""
    return next((p.dtype for p in learner.parameters() if p.is_floating_point()), None)


@contextmanager
def random_streams_kept() -> Iterator[None]:
    """Afterwards PyTorch's, NumPy's and Python's own random streams go on as if nothing had been drawn."""
    numpy, python = np.random.get_state(), random.getstate()
    try:
        with torch.random.fork_rng(range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []):
            yield
    finally:
        np.random.set_state(numpy)
        random.setstate(python)


@contextmanager
def as_it_was(learner: Learner, device: str = "cpu") -> Iterator[None]:
    """The learner in evaluation mode on `device`; afterwards every module is in its mode, and on the device where it was."""
    modes = [(module, module.training) for module in learner.modules()] if isinstance(learner, Learner) else []
    home = next((p.device for p in learner.parameters()), None) if modes else None
    try:
        to_device(learner, device).eval()
        yield
    finally:
        for module, mode in modes:
            module.training = mode
        if home is not None:
            learner.to(home)


def to_device(learner: Learner, device: str) -> Learner:
    """`learner.to(device)`, or one sentence.

    Raises:
        TypeError: for what is no learner.
        ValueError: for parameters without numbers; where this machine, or this build of PyTorch, has no such device; for a learner
            made in inference mode, if gradients are to be taken.
    """
    if not isinstance(learner, Learner):
        kind = learner.__name__ if isinstance(learner, type) else type(learner).__name__
        raise TypeError(f"{kind} is no learner; give a metalib.Learner, such as ml.MAML(network).")
    if empty := [name for name, p in learner.named_parameters() if isinstance(p, nn.parameter.UninitializedParameter) or p.is_meta]:
        raise ValueError(f"{empty[0]} holds no numbers yet (a lazy layer, or the device 'meta'); run one batch through the network, or "
                         "load weights, first.")
    if (learner.takes_steps or torch.is_grad_enabled()) and any(p.is_inference() for p in learner.parameters()):
        raise ValueError("the learner was made in inference mode, so it can take no gradients; make or load it outside.")
    try:
        return learner.to(device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        why = str(error).strip().split("\n")[0].rstrip(".")
        raise ValueError(f"device {device!r} cannot be used here ({why}); use 'cpu'.") from None
