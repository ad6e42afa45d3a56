"""Sentences as tasks: intents, collected or made from templates."""
from .vectors import PLACES, TextTasks, features
