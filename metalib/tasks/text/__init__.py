"""Sentences as tasks: intents, collected or made from templates."""
from .intents import Intents
from .vectors import PLACES, TextTasks, features, ngrams
from .sentences import Sentences

__all__ = ["Intents", "PLACES", "Sentences", "TextTasks", "features", "ngrams"]
