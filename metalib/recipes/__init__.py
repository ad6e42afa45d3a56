"""Named recipes: which learner, trained how, on what, and how the result is judged. Every shipped weight comes from one.

    python -m metalib train --list
    python -m metalib train maml-sinusoid
    torchrun --nproc-per-node 2 -m metalib train maml-images
"""
from . import waves, characters, papers, intents, robots, ratings, molecules, tables        # each adds its recipes to RECIPES, by chapter
from .recipe import RECIPES, Recipe, build, card, load
from .run import add_arguments, command, examine, run

__all__ = ["RECIPES", "Recipe", "add_arguments", "build", "card", "characters", "command", "examine", "intents", "load",
           "molecules", "papers", "ratings", "robots", "run", "tables", "waves"]
