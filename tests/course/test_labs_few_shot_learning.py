"""The two labs of chapter 6a: measured points, exact shares, typed sentences. What all labs keep: test_labs_contract.py."""
import pytest
import torch

from metalib.storage import shipped
from metalib.course.few_shot_learning import lab_way_shot as way_shot, lab_your_sentences as your_sentences
from metalib.tasks.text.vectors import features

STATE = dict(zip(your_sentences.FIELDS, your_sentences.EXAMPLE)) | {"query": your_sentences.QUERY, "weights": "learned"}


def is_a_sentence(said):
    assert said[0].isupper() and said.endswith(".") and ". " not in said and "nan" not in said.split(), said


# ---- ways and shots

def test_every_setting_gives_a_sentence_and_every_control_moves_the_picture():
    lab = way_shot.lab()
    pictures = {lab.png()}
    for change in ({"source": "CLINC150"}, {"method": "MAML"}, {"ways": 10}, {"shots": 2}):
        default = {key: lab.state[key] for key in change}
        pictures.add(lab.set(**change).png())
        lab.set(**default)
    assert len(pictures) == 5
    for state in lab.sweep():
        is_a_sentence(lab._change(lab.compute(**state)))


def test_the_points_are_those_that_were_measured():
    r = way_shot.compute("CLINC150", "ANIL", 10, 5)
    cell = shipped("intents-clinc150")["accuracy"]["ANIL"]["10"][way_shot.SHOTS.index(5)]
    row = way_shot.METHODS.index("ANIL")
    assert list(r.by_shots[row, 2]) == list(r.by_ways[row, 2]) == cell


def test_five_answers_are_said_to_be_five():
    assert "made for 5 classes" in way_shot.words(way_shot.compute("templates", "Meta-LSTM", 20, 1))


# ---- your sentences

def test_the_shares_of_the_n_grams_add_up_to_the_lead(monkeypatch):
    monkeypatch.setattr(your_sentences, "GRAMS", 10_000)
    r = your_sentences.compute(**STATE)
    net = your_sentences.learner("learned")
    lines = [line for field in your_sentences.EXAMPLE for line in your_sentences.read(field, 0)[1]]
    z, asked = (net.embed(features(some)[None])[0] for some in (lines, [STATE["query"]]))
    means = z.view(4, 2, -1).mean(1)
    exact = 2 * asked[0] @ (means[r.best] - means[r.second])
    assert sum(value for _, value in r.grams) == pytest.approx(exact.item(), rel=1e-3)
    lead = (r.chances[r.best] / r.chances[r.second]).log().item()
    assert lead == pytest.approx((exact - means[r.best].square().sum() + means[r.second].square().sum()).item(), rel=1e-3)


def test_it_recognises_what_shares_words_and_not_what_shares_none():
    def says(query, **state):
        r = your_sentences.compute(**STATE | {"query": query} | state)
        return r.names[r.best]
    assert says("wake me up at nine please") == "alarm" and says("skip the next song") == "music"
    assert says("is it going to rain") == "weather" and says("send money to ben") == "money"


@pytest.mark.parametrize("change, words", [
    ({"query": "  "}, "a sentence to ask about"), ({name: "" for name in your_sentences.FIELDS[1:]}, "at least two intents"),
    ({name: "a: /" for name in your_sentences.FIELDS}, "at least two intents"),
])
def test_what_is_missing_is_said(change, words):
    lab = your_sentences.lab()
    assert words in lab.set(**change).sentence and lab.error is None


def test_any_text_can_be_typed():
    lab = your_sentences.lab()
    for odd in ("?", ":", "a:b:c / d", "$x_1$ / ^ \\ {", "<b>bold</b>", "日本語 / 中文", "word " * 200):
        is_a_sentence(lab.set(intent_1=odd, query=odd).sentence.replace(odd, "odd"))
    assert torch.isfinite(your_sentences.compute(**STATE | {"query": "?"}).chances).all()
