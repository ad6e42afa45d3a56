"""The widgets: one file per lab. `ml.labs.inner_loop()` opens one, `ml.labs.inner_loop.compute(...)` is its arithmetic.

Nothing is imported before it is asked for, so `import metalib` needs neither matplotlib nor ipywidgets.
"""
from importlib import import_module

__all__ = ["task_sampler", "inner_loop", "meta_landscape", "first_or_second_order", "draw_and_recognise", "gate_viewer", "optimiser_race",
           "data_hunger", "transfer_or_meta", "metric_space", "cost", "distance", "implicit_maml", "which_learner", "few_shot_bench",
           "assay", "cold_start", "robot_skill", "your_images", "way_shot", "your_sentences"]


def __getattr__(name: str):
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"there is no lab {name!r}; the labs are {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return sorted(__all__)
