"""Robots as tasks: an arm whose body changes, skills from one demonstration."""
from .arm import Arm
from .demonstrations import Robots

__all__ = ["Arm", "Robots"]
