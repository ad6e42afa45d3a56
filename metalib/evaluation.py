"""One `evaluate` for every learner and every task family, and the one interval of the course."""
from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch

from .episodes import at_least, task_score
from .learners import Learner
from .learners.base import one_at_a_time
from .metrics import TaskMetric

BLOCK = 50              # episodes drawn at once in evaluation: fixed, so every learner is judged on the same ones


def mean_ci(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over tasks and half-width of its 95 % interval: [episodes, ...] -> [...] twice."""
    return values.mean(0), 1.96 * values.std(0, ddof=1) / math.sqrt(len(values))


@dataclass(frozen=True)
class Score:
    """What `evaluate` found.

    Arguments:
        mean, ci95: mean over episodes, and half-width of its normal 95 % confidence interval, 1.96 s / sqrt(n).
        values: the score of each episode, [episodes].
        metric: "accuracy" (0 to 1), "mse" (squared units of y), or the name of the metric that `evaluate` was given.
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


@torch.no_grad()
def evaluate(learner: Learner, tasks, episodes: int = 600, seed: int = 2, *, steps: int | None = None,
             together: bool = True, metric: TaskMetric | None = None, device: str = "cpu", **shape) -> Score:
    """Adapt to each of many new tasks and score the queries.

    Arguments:
        episodes, seed: how many tasks, and which; the same seed gives every learner the same tasks.
        steps: inner steps, for a learner that takes them; default: its own.
        together: show all queries of a task at once, as the papers do; False: one at a time, beside the support set.
        metric: one of `metalib.metrics`, or any function (predictions, truth) -> one score per task.
        shape: n_way, k_shot, n_query, as the family's `sample` takes them.

    Returns:
        Score: of `metric`; without one, accuracy for tasks with classes, mean squared error for tasks with values.
    """
    at_least(2, episodes=episodes)
    learner.to(device).eval()
    options = {} if steps is None else {"steps": steps}
    values, transductive = [], False
    for first in range(0, episodes, BLOCK):
        block = tasks.sample(min(BLOCK, episodes - first), seed=(seed, first), **shape)
        for part in block.split(learner.task_chunk):
            part = part.to(device)
            predict = learner.adapt(part.support, **options)
            if not together:
                predict = one_at_a_time(predict, part.support)
            answers = predict(part.query.x)
            values.append((metric or task_score)(answers, part.query.y).cpu())
            if len(values) == 1 and part.query.x.shape[1] > 1:
                transductive = not torch.allclose(predict(part.query.x[:, :1]), answers[:, :1], rtol=1e-3, atol=1e-3, equal_nan=True)
    scores = torch.cat(values).double().numpy()
    name = metric.__name__ if metric else "mse" if part.query.y.is_floating_point() else "accuracy"
    sizes = ", ".join(f"{name} {value}" for name, value in {**shape, **options}.items())
    return Score(float(scores.mean()), float(1.96 * scores.std(ddof=1) / math.sqrt(episodes)), scores, name,
                 f"{episodes} episodes, seed {seed}" + (f", {sizes}" if sizes else ""), transductive)
