"""Exercise checkers, one file per chapter: `ml.checks.maml.maml_loss(my_function)` gives a sentence and never an exception.

`ml.checks.tally()` shows what they have said so far, `ml.checks.bets(ml.checks.maml.prediction)` takes clicks for words.
"""
from importlib import import_module

__all__ = ["background", "challenges", "concepts", "drug_discovery", "faq", "few_shot_learning",
           "image_classification", "maml", "meta_lstm", "recommendation", "robot_learning"]
OWN = {"tally": "metalib.course.tally", "bets": "metalib.course.widgets.bets"}


def __getattr__(name: str):
    if name in OWN:
        return getattr(import_module(OWN[name]), name)
    if name in __all__:
        return import_module(f"metalib.course.{name}.checks")
    raise AttributeError(f"there are no checks {name!r}; there are {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return sorted(__all__)
