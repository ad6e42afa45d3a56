"""What every lab keeps: one sentence at all bounds, every step of a control shows and comes back, a picture without widgets.

The labs of chapters 3 and 4 open on untrained learners in tests and keep more: test_labs.py, test_labs_meta_lstm.py.
"""
import ipywidgets as widgets
import pytest

import metalib as ml

LABS = ("data_hunger", "transfer_or_meta", "metric_space", "one_episode", "way_shot", "your_sentences", "robot_skill", "cold_start",
        "assay", "cost", "distance", "implicit_maml", "in_context", "which_learner")


@pytest.fixture(scope="module", params=LABS)
def lab(request):
    return getattr(ml.labs, request.param)()


def is_a_sentence(text: str) -> None:
    assert text[0].isupper() or text[0].isdigit(), text
    assert text.endswith(".") and ". " not in text and not {"nan", "inf"} & set(text.lower().split()), text


def choices(control) -> list:
    """The values of a control that is made of options, in their order."""
    return [option[1] if isinstance(option, tuple) else option for option in control.options]


def bounds(control) -> list:
    if isinstance(control, widgets.Text):
        return ["", "wake me at nine"]
    if isinstance(control, widgets.Checkbox):
        return [False, True]
    return choices(control) if hasattr(control, "options") else [control.min, control.max]


def neighbour(control):
    """The value one step on."""
    if hasattr(control, "options"):
        return choices(control)[(control.index + 1) % len(control.options)]
    return control.value + (" and will it be warm" if isinstance(control, widgets.Text) else control.step)


def settings(lab) -> dict:
    return {key: control for key, control in lab.controls.items() if not isinstance(control, widgets.Button)}


def test_every_bound_gives_one_sentence(lab):
    default = dict(lab.state)
    for state in ({}, *({key: value} for key, control in settings(lab).items() for value in bounds(control))):
        is_a_sentence(lab._change(lab.compute(**default | state)))
    is_a_sentence(lab._change(lab.compute(**default | {key: bounds(control)[-1] for key, control in settings(lab).items()})))


def test_every_step_of_a_control_shows_in_the_picture_and_comes_back(lab):
    """From the default: the browser test waits for another picture, not for another sentence."""
    before = lab.draw() or lab.png()
    for key, control in settings(lab).items():
        if isinstance(control, widgets.Checkbox):
            continue                                              # it may mean something only beside another option
        default, near = control.value, neighbour(control)
        assert lab.set(**{key: near}).png() != before, key
        is_a_sentence(lab.sentence)
        assert lab.set(**{key: default}).png() == before, key


def test_three_faces_and_labelled_controls(lab):
    faces = lab._repr_mimebundle_()
    assert set(faces) == {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"}
    assert faces["text/plain"] == lab.sentence
    assert all(control.description for control in lab.controls.values())
