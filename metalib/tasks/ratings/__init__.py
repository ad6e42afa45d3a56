"""Users as tasks: films rated by an invented population, or on MovieLens."""
from .users import Ratings

__all__ = ["Ratings"]
