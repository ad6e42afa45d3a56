"""MAML: learn the initial parameters from which a few gradient steps solve a new task.

Paper: Finn, Abbeel, Levine 2017, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks",
https://arxiv.org/abs/1703.03400, algorithms 1 and 2.

    inner loop, for each task i:   theta_i' = theta - alpha * grad_theta L_i(theta; support_i)      (eq. 1; repeated)
    outer loop, over a batch:      theta <- theta - beta * grad_theta sum_i L_i(theta_i'; query_i)

All tasks adapt at once. The fast weights carry a leading task axis, the forward pass is vmapped over it, and the inner
gradient is ordinary autograd of the *summed* loss: tasks share no fast weights, so each gets its own gradient.
"""
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ..episodes import Examples, at_least
from .base import Learner, Loss, Predictor
from .forward import Weights, predict, recording, running_statistics, weights_of


class Adapted(Predictor):
    """A network with fast weights: `adapted(query_x)` predicts.

    Arguments:
        network: the module that gives the shape of the computation.
        fast: adapted parameters, name -> [tasks, ...].
        shared: parameters that all tasks share, name -> [...].
        company: what every query stands beside, [tasks, n, ...]; as for `Predictor`.
    """

    def __init__(self, network: nn.Module, fast: Weights, shared: Mapping[str, Tensor], company: Tensor | None = None):
        self.network, self.fast, self.shared, self.company = network, fast, shared, company

    def together(self, x: Tensor) -> Tensor:
        """Inputs [tasks, n, ...] -> predictions [tasks, n, out], all queries in one batch."""
        return predict(self.network, self.fast, self.shared, x)


@dataclass(frozen=True)
class Moment:
    """Where an inner loop stands after some step.

    Arguments:
        adapted: the predictor now. loss: support loss [tasks] that led here; None at the start.
        gradient: its gradient, name -> [tasks, ...]; for optimisers, of all parameters in one row, [tasks, coordinates].
        theta: all parameters in one row, [tasks, coordinates], where an optimiser has them so.
        shown: what an optimiser lets one look at, such as its gates; name -> [tasks, coordinates].
    """

    adapted: Adapted
    loss: Tensor | None = None
    gradient: Weights | Tensor | None = None
    theta: Tensor | None = None
    shown: dict[str, Tensor] = field(default_factory=dict)


class MAML(Learner):
    """Model-agnostic meta-learning, of second or first order.

    Arguments:
        network: any module, written for one task: [n, ...] -> [n, out]. Parameters with `requires_grad=False` stay, in both loops.
            Batch norm must not track running statistics while it is trained: tasks would share them.
        inner_lr: alpha, the inner step size; finite, >= 0.
        inner_steps: inner gradient steps during meta-training.
        first_order: drop the second derivatives (FOMAML, section 5.2): the outer gradient is the query gradient at
            the adapted weights.
        eval_steps: inner steps outside training; default `inner_steps`. The paper takes 1 then 3 on Omniglot.
        loss: of one task, in both loops; as for `Learner`.
        inner_clip: bound on every entry of the inner gradients; None: no bound. The paper takes 10 on miniImageNet.

    Raises ValueError for settings out of bounds; when adapting, for a network with nothing left to adapt, or running statistics.

    Example:
        >>> import metalib as ml
        >>> learner = ml.MAML(ml.mlp(1, 40, 40, 1), inner_lr=0.01)
        >>> episode = ml.tasks.Sinusoid().sample(25, k_shot=10, n_query=10, seed=1)
        >>> learner.adapt(episode.support, steps=5)(episode.query.x).shape
        torch.Size([25, 10, 1])
    """

    takes_steps = True

    def __init__(self, network: nn.Module, inner_lr: float = 0.01, inner_steps: int = 1, first_order: bool = False,
                 eval_steps: int | None = None, loss: Loss | None = None, inner_clip: float | None = None):
        super().__init__(network, loss)
        if not (math.isfinite(inner_lr) and inner_lr >= 0):
            raise ValueError(f"inner_lr is {inner_lr}; it must be a finite number >= 0, such as 0.01.")
        if inner_clip is not None and not inner_clip > 0:
            raise ValueError(f"inner_clip is {inner_clip}; it must be above 0, such as 10, or None for no bound.")
        eval_steps = inner_steps if eval_steps is None else eval_steps
        at_least(0, inner_steps=inner_steps, eval_steps=eval_steps)
        self.inner_lr, self.inner_steps, self.first_order, self.eval_steps = inner_lr, inner_steps, first_order, eval_steps
        self.inner_clip = inner_clip

    def adapt(self, support: Examples, steps: int | None = None) -> Adapted:
        """Take `steps` gradient steps on each task's support loss, from the shared start.

        Arguments:
            support: x [tasks, n, ...], y [tasks, n] or [tasks, n, out].
            steps: how many; default `inner_steps` in training mode and `eval_steps` otherwise.

        Returns Adapted, a function from query inputs [tasks, m, ...] to predictions [tasks, m, out]; gradients flow through it to the start.
        """
        for moment in self.path(support, steps):
            pass
        moment.adapted.company = self.company(support)
        return moment.adapted

    def path(self, support: Examples, steps: int | None = None) -> Iterator[Moment]:
        """The start, then each inner step: steps + 1 moments. Arguments as for `adapt`."""
        if steps is None:
            steps = self.inner_steps if self.training else self.eval_steps
        at_least(0, steps=steps)
        record = recording()
        adapted = self.begin(support, record)
        yield Moment(adapted)
        for step in range(steps):
            with torch.enable_grad():
                loss = self.support_loss(adapted, support, step)
                grads = self.gradients(loss.sum(), adapted.fast, create_graph=record and not self.first_order)
                fast = self.update(adapted.fast, grads, step)
            if not record:
                fast = {name: p.detach().requires_grad_() for name, p in fast.items()}
            adapted = Adapted(adapted.network, fast, adapted.shared)
            yield Moment(adapted, loss.detach(), grads)

    def support_loss(self, adapted: Adapted, support: Examples, step: int) -> Tensor:
        """Each task's loss on its support set, [tasks], before this step."""
        return self.task_loss(adapted.together(support.x), support.y)

    def gradients(self, loss: Tensor, fast: Weights, create_graph: bool = False) -> Weights:
        """Each task's inner gradient, zero for weights that the loss does not reach, clipped where `inner_clip` asks for it."""
        depends(loss)
        grads = torch.autograd.grad(loss, list(fast.values()), create_graph=create_graph, allow_unused=True, materialize_grads=True)
        clip = self.inner_clip
        return dict(zip(fast, grads if clip is None else (g.clamp(-clip, clip) for g in grads)))

    def begin(self, support: Examples, record: bool) -> Adapted:
        """Where each task's steps start: where all tasks do, unless its examples have a say (ProtoMAML)."""
        return self.start(len(support), record)

    def start(self, n_tasks: int, record: bool) -> Adapted:
        """The network at its initial parameters, one copy of the adapted ones per task."""
        if layer := running_statistics(self.network):
            raise ValueError(f"layer {layer} tracks running statistics, which all tasks would share while each adapts; make it with "
                             "track_running_stats=False.")
        fast, shared = {}, {}
        for name, p in weights_of(self.network).items():
            if p.requires_grad and self.adapts(name):
                p = p.expand(n_tasks, *p.shape)
                fast[name] = p if record else p.detach().requires_grad_()
            else:
                shared[name] = p
        if not fast:
            raise ValueError(f"{type(self).__name__} has nothing to adapt: every parameter it would change is frozen "
                             "(requires_grad=False); unfreeze a layer.")
        return Adapted(self.network, fast, shared)

    def adapts(self, name: str) -> bool:
        """Is this parameter changed by the inner loop? MAML: all of them."""
        return True

    def update(self, fast: Weights, grads: Weights, step: int) -> Weights:
        """One inner step: theta' = theta - alpha * gradient."""
        return {name: p.sub(grads[name], alpha=self.inner_lr) for name, p in fast.items()}


def depends(loss: Tensor) -> None:
    """Raise a ValueError unless the loss can be differentiated at all."""
    if not loss.requires_grad:
        raise ValueError("the support loss depends on no parameter that adapts; take detach(), no_grad() and round numbers out of the "
                         "network's forward and out of the loss.")


def add_gradient(p: nn.Parameter, change: Tensor) -> None:
    """Add to `p.grad`, in the layout of `p`: optimisers may pair the two by storage."""
    with torch.no_grad():
        if p.grad is None:
            p.grad = torch.zeros_like(p)
        p.grad += change
