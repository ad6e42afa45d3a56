"""R2-D2: a head that is solved, not searched: ridge regression on learned features, in closed form and differentiated through.

Paper: Bertinetto, Henriques, Torr, Vedaldi 2019, "Meta-learning with differentiable closed-form solvers", https://arxiv.org/abs/1805.08136.

    W_i = (Z^T Z + lambda I)^-1 Z^T Y  =  Z^T (Z Z^T + lambda I)^-1 Y            (eq. 4 and 6, Woodbury)
    answer(x) = alpha f(x) W_i + beta                                            (eq. 7)

Z holds the embedded support set and a column of ones, Y its labels, one-hot for classes. The second form solves a system as large as the
support set instead of one as large as the features. The embedding f, lambda, alpha and beta are meta-trained; a task has only its W_i.
"""
import torch
from torch import Tensor, nn

from ..episodes import Examples
from .base import Loss
from .embedding import Compare, Metric, members


class R2D2(Metric):
    """Ridge regression on learned features; for classes by least squares on their one-hot labels, for values as it is.

    Arguments:
        network, loss: as for `Metric`; the paper's features are wider than ProtoNet's, some thousands of numbers.
        strength: lambda at the start of training, in units of examples: their code divides squares by the number of examples, so that its
            50 is 50 n here, and leaves it fixed unless told otherwise. scale: alpha, which they start at .0001 or 10, by data set.

    Raises ValueError for a strength or scale that is not above 0, and as `Metric`.

    Example:
        >>> import metalib as ml
        >>> waves = ml.tasks.Sinusoid().sample(4, k_shot=5, n_query=3, seed=1)
        >>> ml.R2D2(ml.mlp(1, 40, 40, 1)).adapt(waves.support)(waves.query.x).shape
        torch.Size([4, 3, 1])
    """

    def __init__(self, network: nn.Module, loss: Loss | None = None, strength: float = 1.0, scale: float = 1.0):
        super().__init__(network, loss)
        for name, value in (("strength", strength), ("scale", scale)):
            if not 0 < value < float("inf"):
                raise ValueError(f"{name} is {value}; it must be a finite number above 0, such as 1.")
        self.log_strength, self.log_scale = (nn.Parameter(torch.tensor(value).log()) for value in (strength, scale))
        self.offset = nn.Parameter(torch.zeros(()))

    def compare(self, support: Examples) -> Compare:
        y = support.y if support.y.is_floating_point() else members(support.y, support.x.dtype)
        W = ridge(with_one(support.x), y, self.log_strength.exp())
        return lambda z: self.log_scale.exp() * (with_one(z) @ W) + self.offset


def with_one(z: Tensor) -> Tensor:
    """[tasks, n, features] -> [tasks, n, features + 1]: a column of ones behind."""
    return torch.cat([z, torch.ones_like(z[..., :1])], -1)


def ridge(z: Tensor, y: Tensor, strength: Tensor) -> Tensor:
    """The weights [tasks, features, out] that minimise ||z W - y||^2 + ||sqrt(strength) W||^2, by the smaller of two systems.

    z: [tasks, n, features]; y: [tasks, n, out]; strength: above 0, a number or [features], one for each.
    """
    n, features = z.shape[1:]
    if n <= features:
        eased = z / strength
        return eased.mT @ torch.linalg.solve(eased @ z.mT + torch.eye(n, dtype=z.dtype, device=z.device), y)
    return torch.linalg.solve(z.mT @ z + torch.diag(strength.expand(features)), z.mT @ y)
