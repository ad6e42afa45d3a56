"""MAML: learn the initial parameters from which a few gradient steps solve a new task.

Paper: Finn, Abbeel, Levine 2017, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks",
https://arxiv.org/abs/1703.03400, algorithms 1 and 2.

    inner loop, for each task i:   theta_i' = theta - alpha * grad_theta L_i(theta; support_i)      (eq. 1; repeated)
    outer loop, over a batch:      theta <- theta - beta * grad_theta sum_i L_i(theta_i'; query_i)

All tasks adapt at once. The fast weights carry a leading task axis, the forward pass is vmapped over it, and the inner
gradient is ordinary autograd of the *summed* loss: tasks share no fast weights, so each gets its own gradient.
"""
from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from ..episodes import Examples, at_least, task_loss
from .base import Learner

Weights = dict[str, Tensor]


class Adapted:
    """A network with fast weights: `adapted(query_x)` predicts.

    Arguments:
        network: the module that gives the shape of the computation.
        fast: adapted parameters, name -> [tasks, ...].
        shared: parameters that all tasks share, name -> [...].
    """

    def __init__(self, network: nn.Module, fast: Weights, shared: Mapping[str, Tensor]):
        self.network, self.fast, self.shared = network, fast, shared

    def __call__(self, x: Tensor) -> Tensor:
        """Inputs [tasks, n, ...] -> predictions [tasks, n, out]."""
        def forward(fast, x):
            return functional_call(self.network, {**self.shared, **fast}, (x,))
        carries_tasks = getattr(self.network, "carries_tasks", False)
        return forward(self.fast, x) if carries_tasks else vmap(forward)(self.fast, x)


class MAML(Learner):
    """Model-agnostic meta-learning, of second or first order.

    Arguments:
        network: any module; batch norm must not track running statistics.
        inner_lr: alpha, the inner step size; finite, >= 0.
        inner_steps: inner gradient steps during meta-training.
        first_order: drop the second derivatives (FOMAML, section 5.2): the outer gradient is the query gradient at
            the adapted weights.
        eval_steps: inner steps outside training; default `inner_steps`. The paper takes 1 then 3 on Omniglot.

    Raises:
        ValueError: for a negative or non-finite `inner_lr`, or negative step counts.

    Example:
        >>> import metalib as ml
        >>> learner = ml.MAML(ml.mlp(1, 40, 40, 1), inner_lr=0.01)
        >>> episode = ml.tasks.Sinusoid().sample(25, k_shot=10, n_query=10, seed=1)
        >>> learner.adapt(episode.support, steps=5)(episode.query.x).shape
        torch.Size([25, 10, 1])
    """

    def __init__(self, network: nn.Module, inner_lr: float = 0.01, inner_steps: int = 1,
                 first_order: bool = False, eval_steps: int | None = None):
        super().__init__(network)
        if not (math.isfinite(inner_lr) and inner_lr >= 0):
            raise ValueError(f"inner_lr is {inner_lr}; it must be a finite number >= 0, such as 0.01.")
        eval_steps = inner_steps if eval_steps is None else eval_steps
        at_least(0, inner_steps=inner_steps, eval_steps=eval_steps)
        self.inner_lr, self.inner_steps, self.first_order, self.eval_steps = inner_lr, inner_steps, first_order, eval_steps

    def adapt(self, support: Examples, steps: int | None = None) -> Adapted:
        """Take `steps` gradient steps on each task's support loss, from the shared start.

        Arguments:
            support: x [tasks, n, ...], y [tasks, n] or [tasks, n, out].
            steps: how many; default `inner_steps` in training mode and `eval_steps` otherwise.

        Returns:
            Adapted, a function from query inputs [tasks, m, ...] to predictions [tasks, m, out]. Gradients flow
            through it to the initial parameters where autograd records.
        """
        if steps is None:
            steps = self.inner_steps if self.training else self.eval_steps
        at_least(0, steps=steps)
        record = torch.is_grad_enabled()                          # is anyone going to differentiate through us?
        with torch.enable_grad():
            adapted = self.start(len(support), record)
            for step in range(steps):
                loss = task_loss(adapted(support.x), support.y).sum()
                grads = torch.autograd.grad(loss, list(adapted.fast.values()), create_graph=record and not self.first_order)
                fast = self.update(adapted.fast, dict(zip(adapted.fast, grads)), step)
                if not record:
                    fast = {name: p.detach().requires_grad_() for name, p in fast.items()}
                adapted = Adapted(adapted.network, fast, adapted.shared)
        return adapted

    def start(self, n_tasks: int, record: bool) -> Adapted:
        """The network at its initial parameters, one copy of the adapted ones per task."""
        fast, shared = {}, {}
        for name, p in self.network.named_parameters():
            if self.adapts(name):
                p = p.expand(n_tasks, *p.shape)
                fast[name] = p if record else p.detach().requires_grad_()
            else:
                shared[name] = p
        return Adapted(self.network, fast, shared)

    def adapts(self, name: str) -> bool:
        """Is this parameter changed by the inner loop? MAML: all of them."""
        return True

    def update(self, fast: Weights, grads: Weights, step: int) -> Weights:
        """One inner step: theta' = theta - alpha * gradient."""
        return {name: p.sub(grads[name], alpha=self.inner_lr) for name, p in fast.items()}
