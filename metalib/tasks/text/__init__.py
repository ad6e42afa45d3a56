"""Sentences as tasks: intents, collected or made from templates."""
from .vectors import PLACES, TextTasks, features

__all__ = ["PLACES", "TextTasks", "features"]
