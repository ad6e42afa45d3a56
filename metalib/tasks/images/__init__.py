"""Images as tasks: generated glyphs, digits, Omniglot, a folder of your own."""
from .digits import Digits
from .distorted import Distorted
from .drawn import Drawn
from .folder import Folder
from .glyphs import Glyphs
from .omniglot import Omniglot
from .shifted import Shifted

__all__ = ["Digits", "Distorted", "Drawn", "Folder", "Glyphs", "Omniglot", "Shifted"]
