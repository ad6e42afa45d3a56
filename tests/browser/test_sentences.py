"""The lab of chapter 6a in which one types: fields take every letter, the answer follows, nothing of the page takes a letter away."""
import nbformat
import pytest


@pytest.fixture(scope="module")
def lab(lab_page, server):
    cells = [nbformat.v4.new_code_cell(source) for source in ("import metalib as ml; ml.setup()", "ml.labs.your_sentences()")]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}       # or it asks for one
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), server.root / "sentences.ipynb")
    lab_page.open("sentences.ipynb").run_all()
    [lab] = lab_page.labs()
    return lab


def test_what_is_typed_is_answered(lab):
    assert lab.look()[1].startswith("It is alarm with")
    asked = lab.root.get_by_label("you say")
    assert lab.change(lambda: asked.fill("skip the next song please")).startswith("It is music with")
    assert lab.change(lambda: asked.fill("will it rain on sunday")).startswith("It is weather with")


def test_a_new_intent_is_learned_from_one_sentence(lab):
    lab.change(lambda: lab.root.get_by_label("intent 4").fill("taxi: get me a cab to the airport"))
    said = lab.change(lambda: lab.root.get_by_label("you say").fill("a cab to the station"))
    assert said.startswith("It is taxi with")


def test_letters_go_into_the_field_and_not_to_the_page(lab):
    count = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"
    cells, asked = lab.page.evaluate(count), lab.root.get_by_label("you say")
    lab.change(lambda: asked.fill(""))
    assert "a sentence to ask about" in lab.look()[1]
    lab.change(lambda: asked.press_sequentially("abdxm", delay=50))
    assert asked.input_value() == "abdxm" and lab.page.evaluate(count) == cells
    asked.press("Tab")
    assert not asked.evaluate("field => field === document.activeElement"), "the keyboard cannot leave the field"


def test_learned_and_equal_weights_answer_differently(lab):
    lab.change(lambda: lab.root.get_by_label("you say").fill("could you please set an alarm"))
    lab.change(lambda: lab.press("all equal"))
    lab.change(lambda: lab.press("learned"))
