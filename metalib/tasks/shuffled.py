"""Any family with its support labels dealt out at random: what a learner knows without learning."""
from collections.abc import Sequence

import torch

from ..episodes import Episode, Examples, Tasks, generator


class Shuffled:
    """A family whose support labels have been dealt out at random: nothing true is left to learn from."""

    def __init__(self, tasks: Tasks):
        self.tasks = tasks

    def sample(self, n_tasks: int, seed: int | Sequence[int] = 0, **shape) -> Episode:
        episode = self.tasks.sample(n_tasks, seed=seed, **shape)
        y = episode.support.y
        order = torch.from_numpy(generator((99, *(seed if isinstance(seed, Sequence) else [seed]))).rand(*y.shape[:2]).argsort(1))
        return Episode(Examples(episode.support.x, y[torch.arange(n_tasks)[:, None], order]), episode.query, episode.about)
