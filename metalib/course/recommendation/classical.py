"""The three classical recommenders of chapter 6c, each of them one choice of what stands on top of what (learners/recommenders.py)."""
from torch import Tensor, nn

from ...learners.recommenders import OnTop, RidgeHead


class Columns(nn.Module):
    """Some columns of the input as features; `Columns(slice(-8, None))` takes the last eight."""

    def __init__(self, which: slice):
        super().__init__()
        self.which = which

    def forward(self, x: Tensor) -> Tensor:
        return x[..., self.which]


def item_mean() -> OnTop:
    """The film's mean, shrunk towards the mean of all: the same list for everybody."""
    return OnTop(column=1)


def biases(user: float = 3.0) -> OnTop:
    """What the film promises, and the user's mood: the mean of what the ratings lie above it, over k + `user` instead of k."""
    return OnTop(RidgeHead(constant=user))


def factorisation(user: float = 3.0, factors: float = 5.0, n_factors: int = 8) -> OnTop:
    """Matrix factorisation with fold-in: the new user's vector is one ridge regression on the films' hidden factors."""
    return OnTop(RidgeHead(Columns(slice(-n_factors, None)), n_factors, constant=user, features=factors))
