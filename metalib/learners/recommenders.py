"""Recommenders as learners: what a film promises, corrected by what this user's few ratings say.

    stars(x) = promise(x) + phi(x) . w_user

    item mean              no correction
    biases                 phi(x) = 1: the user's mood            Koren, Bell, Volinsky 2009, https://doi.org/10.1109/MC.2009.263
    matrix factorisation   phi(x) = 1 and the film's hidden factors: the user is folded in
    ridge head             phi learned on many users              R2-D2, Bertinetto et al. 2019, https://arxiv.org/abs/1805.08136

w_user = w_0 + (Phi^T Phi + diag(lambda))^-1 Phi^T (y - Phi w_0): one ridge regression on the support set, in closed form. Three
classical recommenders and a meta-learner are one `adapt`; they differ in who chose phi, lambda and the start w_0.
"""
import torch
from torch import Tensor, nn

from ..episodes import Episode, Examples
from .base import Learner, Predict
from .r2d2 import ridge


class OnTop(Learner):
    """A learner of what is left over, on top of one column of the input that is an answer already.

    It is trained on what recommenders are judged by, the mean absolute error: the best single answer is a median, not a mean.

    Arguments:
        learner: adapts to y minus that column; None learns nothing, and answers the column.
        column: of x, in the units of y.

    Example:
        >>> import metalib as ml
        >>> episode = ml.tasks.Ratings("user-cold").sample(3, k_shot=5, seed=1)
        >>> OnTop(RidgeHead()).adapt(episode.support)(episode.query.x).shape
        torch.Size([3, 10, 1])
    """

    def __init__(self, learner: Learner | None = None, column: int = 0):
        super().__init__()
        self.learner, self.column = learner, column
        self.takes_steps = learner is not None and learner.takes_steps

    def promise(self, x: Tensor) -> Tensor:
        return x[..., self.column:self.column + 1]

    def adapt(self, support: Examples, **options) -> Predict:
        """Learn what the column leaves over; `options` go to the inner learner."""
        if self.learner is None:
            return self.promise
        rest = self.learner.adapt(Examples(support.x, support.y - self.promise(support.x)), **options)
        return lambda x: self.promise(x) + rest(x)

    def meta_loss(self, episode: Episode) -> Tensor:
        """Mean absolute error of the query."""
        return (self.adapt(episode.support)(episode.query.x) - episode.query.y).abs().mean()


class RidgeHead(Learner):
    """Features, and a linear head solved for each task in closed form, pulled towards a start that all tasks share.

    Arguments:
        body: x [tasks, n, n_in] -> features [tasks, n, n_features]; None: no feature but the constant 1, which is always there.
        n_features: of the body.
        constant, features: strength of the pull on the weight of the constant, and on the others: how many ratings' worth of
            doubt (for features of size 1). Both are learned from there.
    """

    def __init__(self, body: nn.Module | None = None, n_features: int = 0, constant: float = 3.0, features: float = 5.0):
        super().__init__(body)
        self.log_strength = nn.Parameter(torch.tensor([constant] + [features] * n_features).log())
        self.head = nn.Parameter(torch.zeros(n_features + 1, 1))

    def phi(self, x: Tensor) -> Tensor:
        """[tasks, n, 1 + n_features]: the constant first."""
        one = torch.ones_like(x[..., :1])
        return one if self.network is None else torch.cat([one, self.network(x)], -1)

    def adapt(self, support: Examples, start_only: bool = False) -> Predict:
        """Solve for every task's head.

        Arguments:
            support: x [tasks, n, n_in], y [tasks, n, 1].
            start_only: stay at the start, and answer for the average task.
        """
        phi = self.phi(support.x)
        head: Tensor = self.head
        if not start_only:
            head = head + ridge(phi, support.y - phi @ head, self.log_strength.exp())             # [tasks, 1 + n_features, 1]
        return lambda x: self.phi(x) @ head


class Neighbours(Learner):
    """The prototypical idea for values: a query answers as the rated films near it in a learned space do, each by its closeness.

        f(x) = sum_j k(x, x_j) y_j / (doubt + sum_j k(x, x_j)),     k = exp(-|g(x) - g(x_j)|^2)     (Nadaraya-Watson, with doubt)

    Arguments:
        body: g, x [tasks, n, n_in] -> [tasks, n, n_features].
        start: answers for the average task, x [tasks, n, n_in] -> [tasks, n, 1].
        doubt: a neighbour that always says "as the average user": what makes one rating count for less than fifteen. Learned.
    """

    def __init__(self, body: nn.Module, start: nn.Module, doubt: float = 3.0):
        super().__init__(body)
        self.start, self.log_doubt = start, nn.Parameter(torch.tensor(doubt).log())

    def adapt(self, support: Examples, start_only: bool = False) -> Predict:
        """Remember where the rated films lie, and by how much they differ from the start; `start_only` as for `RidgeHead`."""
        if start_only:
            return self.start
        places, rest = self.network(support.x), support.y - self.start(support.x)
        def predict(x: Tensor) -> Tensor:
            near = (-torch.cdist(self.network(x), places).square()).exp()                         # [tasks, m, n]
            return self.start(x) + near @ rest / (self.log_doubt.exp() + near.sum(-1, keepdim=True))
        return predict
