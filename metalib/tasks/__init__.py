"""Where episodes come from: one file per task family, each with `sample(n_tasks, ..., seed) -> Episode`."""
from .arm import Arm
from .assays import Tox21
from .computed import ComputedAssays
from .digits import Digits
from .distorted import Distorted
from .folder import Folder
from .drawn import Drawn
from .glyphs import Glyphs
from .intents import Intents
from .mixture import Mixture
from .omniglot import Omniglot
from .quadratics import Quadratics
from .ratings import Ratings
from .robots import Robots
from .sentences import Sentences
from .shifted import Shifted
from .sinusoid import Sinusoid

__all__ = ["Arm", "ComputedAssays", "Digits", "Distorted", "Drawn", "Folder", "Glyphs", "Intents", "Mixture", "Omniglot", "Quadratics", "Ratings", "Robots", "Sentences", "Shifted", "Sinusoid", "Tox21"]
