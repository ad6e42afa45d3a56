"""Where episodes come from: one file per task family, each with `sample(n_tasks, ..., seed) -> Episode`."""
from .sinusoid import Sinusoid

__all__ = ["Sinusoid"]
