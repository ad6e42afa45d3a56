"""Any scikit-learn classifier as a learner: fitted anew to every support set. What a practitioner would try first."""
import numpy as np
import torch
from torch import Tensor

from ..episodes import Examples
from .base import Learner, Predict


class Classical(Learner):
    """A scikit-learn classifier, one per task, on the raw inputs.

    Arguments:
        estimator: unfitted, with `predict_proba`; each task gets a clone, so a `random_state` in it is every task's.

    Example:
        >>> import metalib as ml
        >>> from sklearn.linear_model import LogisticRegression
        >>> episode = ml.tasks.Digits().sample(2, n_way=5, k_shot=5, n_query=4, seed=1)
        >>> Classical(LogisticRegression(max_iter=200)).adapt(episode.support)(episode.query.x).shape
        torch.Size([2, 20, 5])
    """

    def __init__(self, estimator):
        super().__init__()
        self.estimator = estimator

    def adapt(self, support: Examples) -> Predict:
        """A clone fitted to each task: x [tasks, n, ...] -> log probabilities [tasks, m, n_way]; a TypeError for tasks with values."""
        from sklearn.base import clone
        if support.y.is_floating_point():
            raise TypeError("Classical needs class numbers; these tasks have values.")
        fitted = [clone(self.estimator).fit(x, y) for x, y in zip(support.x.flatten(2).numpy(), support.y.numpy())]
        n_way = int(support.y.max()) + 1

        def predict(x: Tensor) -> Tensor:
            chances = np.zeros((*x.shape[:2], n_way))             # a class that a task has no example of gets no chance
            for task, (model, rows) in enumerate(zip(fitted, x.flatten(2).numpy())):
                chances[task][:, model.classes_] = model.predict_proba(rows)
            return torch.from_numpy(chances).float().clamp(min=1e-9).log()
        return predict
