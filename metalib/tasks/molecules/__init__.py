"""Assays as tasks: molecules, active or not."""
from .assays import Tox21
from .computed import ComputedAssays

__all__ = ["ComputedAssays", "Tox21"]
