"""The labs, by chapter: `ml.labs.inner_loop()` opens one, `ml.labs.inner_loop.compute(...)` is its arithmetic.

Nothing is imported before it is asked for, so `import metalib` needs neither matplotlib nor ipywidgets.
"""
from importlib import import_module

LABS = {                                # chapter -> its labs, each in metalib/course/CHAPTER/lab_NAME.py
    "tour": ("draw_and_recognise",),
    "background": ("data_hunger",),
    "concepts": ("metric_space", "one_episode", "transfer_or_meta"),
    "maml": ("first_or_second_order", "inner_loop", "meta_landscape", "task_sampler"),
    "meta_lstm": ("gate_viewer", "optimiser_race"),
    "image_classification": ("few_shot_bench", "your_images"),
    "few_shot_learning": ("way_shot", "your_sentences"),
    "robot_learning": ("robot_skill",),
    "recommendation": ("cold_start",),
    "drug_discovery": ("assay",),
    "challenges": ("cost", "distance", "implicit_maml", "in_context"),
    "faq": ("which_learner",),
}
__all__ = [name for names in LABS.values() for name in names]


def __getattr__(name: str):
    for chapter, names in LABS.items():
        if name in names:
            try:
                return import_module(f"metalib.course.{chapter}.lab_{name}")
            except ModuleNotFoundError as error:
                if error.name not in ("ipywidgets", "anywidget"):
                    raise
                raise ImportError(f'labs need {error.name}, which is not installed; get it: pip install "metalib[labs]"') from error
    raise AttributeError(f"there is no lab {name!r}; the labs are {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return sorted(__all__)
