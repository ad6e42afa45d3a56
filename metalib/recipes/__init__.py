"""Named recipes: which learner, trained how, on what, and how the result is judged. Every shipped weight comes from one.

    python -m metalib.train --list
    python -m metalib.train maml-sinusoid
    torchrun --nproc-per-node 2 -m metalib.train maml-images
"""
from . import waves, characters, intents, robots, ratings, molecules        # each adds its recipes to RECIPES, by chapter
from .recipe import RECIPES, Recipe, build, card, load
from .run import examine, main, run

__all__ = ["RECIPES", "Recipe", "build", "card", "characters", "examine", "intents", "load", "main",
           "molecules", "ratings", "robots", "run", "waves"]
