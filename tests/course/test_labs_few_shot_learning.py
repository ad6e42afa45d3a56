"""The two labs of chapter 6a: measured points, exact shares, typed sentences. What all labs keep: test_labs_contract.py."""
import pytest
import torch

import metalib as ml
from metalib.storage import shipped
from metalib.course.few_shot_learning import lab_way_shot as way_shot, lab_your_sentences as your_sentences, unknown
from metalib.tasks.text.vectors import features

STATE = dict(zip(your_sentences.FIELDS, your_sentences.EXAMPLE)) | {"query": your_sentences.QUERY, "weights": "learned",
                                                                          "none": your_sentences.NONE[0]}


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


@pytest.mark.parametrize("none", your_sentences.NONE[:2])
def test_what_is_near_to_no_intent_is_none_of_these(none):
    for query in ("what is the capital of France", "capital of France", "who wrote hamlet", "tell me a joke"):
        r = your_sentences.compute(**STATE | {"query": query, "none": none})
        assert r.none and "It is none of these: its nearness to " in your_sentences.words(r), (query, r.nearness, r.theta)
        assert not your_sentences.compute(**STATE | {"query": query, "none": "never"}).none
    for query in (your_sentences.QUERY, "wake me up at nine please", "skip the next song", "is it going to rain", "send money to ben"):
        assert not your_sentences.compute(**STATE | {"query": query, "none": none}).none, query


def test_examples_say_from_what_nearness_on_where_an_intent_has_two():
    single = dict(zip(your_sentences.FIELDS, ("a: wake me", "b: will it rain", "", "")))
    fixed, own = (your_sentences.compute(**STATE | single | {"none": none}).theta for none in your_sentences.NONE[:2])
    assert fixed == own == your_sentences.THETA["learned"]
    assert your_sentences.compute(**STATE | {"none": your_sentences.NONE[1]}).theta != fixed


@pytest.mark.parametrize("weights", your_sentences.WEIGHTS)
def test_the_fixed_nearness_is_what_validation_intents_say(real_data, weights):
    tasks, body = ml.tasks.Intents("validation"), your_sentences.learner(weights).network.body
    episode = tasks.sample(100, n_way=4, k_shot=1, n_query=10, seed=9)
    with torch.no_grad():
        own = unknown.nearness(body, episode.support, episode.query.x)
    assert (own >= your_sentences.THETA[weights]).float().mean().item() == pytest.approx(unknown.KEPT, abs=0.01)


@pytest.mark.parametrize("field, name, sentences", [
    ("alarm: wake me at 7:30 / set it to 6:15", "alarm", ["wake me at 7:30", "set it to 6:15"]),
    ("wake me at 7:30", "intent 3", ["wake me at 7:30"]), ("alarm:7:30 please", "alarm", ["7:30 please"]),
    ("闹钟：七点叫醒我／设个闹钟", "闹钟", ["七点叫醒我", "设个闹钟"]), ("late: open 24/7 / all night", "late", ["open 24/7", "all night"]),
    ("top 5: the charts", "top 5", ["the charts"]), (": one / two", "intent 3", ["one", "two"]),
    ("a name of more than sixteen letters: x", "a name of more than sixteen letters", ["x"]),
])
def test_names_and_sentences_are_read_as_they_were_meant(field, name, sentences):
    assert your_sentences.read(field, 3) == (name, sentences)


@pytest.mark.parametrize("change", [{"query": "word " * 200}, {"intent_1": "alarm: wake me / " + "word " * 200}])
def test_what_is_not_read_is_said(change):
    said = your_sentences.words(your_sentences.compute(**STATE | change))
    assert "a sentence has 999 letters, of which the first 200 are read" in said
    assert "letters, of which" not in your_sentences.words(your_sentences.compute(**STATE))


def test_any_text_can_be_typed():
    lab = your_sentences.lab()
    for odd in ("?", ":", "a:b:c / d", "$x_1$ / ^ \\ {", "<b>bold</b>", "日本語 / 中文", "word " * 200):
        is_a_sentence(lab.set(intent_1=odd, query=odd).sentence.replace(odd, "odd"))
    assert torch.isfinite(your_sentences.compute(**STATE | {"query": "?"}).chances).all()
