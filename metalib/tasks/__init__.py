"""Where episodes come from: one file per task family, each with `sample(n_tasks, ..., seed) -> Episode`."""
from .robots.arm import Arm
from .molecules.assays import Tox21
from .molecules.computed import ComputedAssays
from .images.digits import Digits
from .images.distorted import Distorted
from .images.folder import Folder
from .images.drawn import Drawn
from .images.glyphs import Glyphs
from .text.intents import Intents
from .mixture import Mixture
from .shuffled import Shuffled
from .images.omniglot import Omniglot
from .waves.quadratics import Quadratics
from .ratings.users import Ratings
from .robots.demonstrations import Robots
from .text.sentences import Sentences
from .images.shifted import Shifted
from .waves.sinusoid import Sinusoid

__all__ = ["Arm", "ComputedAssays", "Digits", "Distorted", "Drawn", "Folder", "Glyphs", "Intents", "Mixture", "Omniglot", "Quadratics", "Ratings", "Robots", "Sentences", "Shifted", "Shuffled", "Sinusoid", "Tox21"]
