"""Where episodes come from: one file per task family, each with `sample(n_tasks, ..., seed) -> Episode`."""
from .glyphs import Glyphs
from .omniglot import Omniglot
from .sinusoid import Sinusoid

__all__ = ["Glyphs", "Omniglot", "Sinusoid"]
