"""What every checker is made of: a choice of words read kindly, a typical mistake recognised by what it computes."""
import numpy as np
import pytest
import torch

import metalib as ml
from metalib.course.verdict import NotAttempted, Stop, Verdict, choose, meant, recognise

WORDS = ("from scratch", "meta-learned", "MAML", "tie")
QUESTIONS = [                               # every exercise that is a choice of words, and one word of each of its questions
    (ml.checks.background.prediction, dict(one="tie", thirty="tie", shifted="tie")),
    (ml.checks.concepts.prediction, dict(close="MAML", few="MAML", far="MAML")),
    (ml.checks.maml.prediction, dict(before="MAML", after="pretrained", later="grows")),
    (ml.checks.image_classification.prediction, dict(learns="chance", ahead="one", stops=6)),
    (ml.checks.few_shot_learning.prediction, dict(one="ProtoNet", twenty="nearest centroid", please="down")),
    (ml.checks.robot_learning.prediction, dict(reach_joint="rarely", door_joint="mostly", reach_scratch="rarely", reach_cnp="mostly")),
    (ml.checks.recommendation.prediction, dict(one="MeLU", five="half", cold="nobody")),
    (ml.checks.drug_discovery.prediction, dict(few="meta", many="tie", unlike="tie", no_label="above", record="tie")),
    (ml.checks.challenges.prediction, dict(maml="line", implicit="flat", inside="CNP", outside="MAML")),
    (ml.checks.faq.diagnosis, dict(before="labels leak", same="support unused", worse="rate too large", alone="batch statistics")),
    (ml.checks.faq.choice, dict(letters="ProtoNet", doses="CNP", factory="from scratch", clinic="in context")),
    (ml.checks.faq.enough_tasks, dict(maml=50, cnp=50)),
]
each = pytest.mark.parametrize("check, given", QUESTIONS, ids=lambda value: getattr(value, "__module__", "").split(".")[-2:-1])


@pytest.mark.parametrize("said, word", [
    ("from scratch", "from scratch"), ("  From Scratch ", "from scratch"), ("from-scratch.", "from scratch"), ("meta learned", "meta-learned"),
    ("metalearned", "meta-learned"), ("'maml'", "MAML"), ("Tie!", "tie")])
def test_capitals_spaces_and_punctuation_do_not_count(said, word):
    assert choose(WORDS, first=said) == {"first": word}


@pytest.mark.parametrize("said", ["maybe", "mam", "", 7, True, ["tie"], np.array(["tie", "tie"]), "tie or MAML"])
def test_what_is_no_option_is_none(said):
    assert meant(said, WORDS) is None


def test_numbers_are_compared_by_value():
    pools = (2, 5, 50)
    assert [meant(said, pools) for said in (5, 5.0, np.int64(50), "50", " 2 ")] == [5, 5, 50, 50, 2]
    assert [meant(said, pools) for said in (True, 7, "5.0.", "-5", None)] == [None] * 5
    assert [meant(said, ("one", "sixteen", "tie")) for said in (16, "16", 1.0, "1", 2, "61")] == ["sixteen", "sixteen", "one", "one", None, None]
    with pytest.raises(Stop, match="^size: yours = 7, which is none of 2, 5, 50.$"):
        choose(pools, size=7)


@pytest.mark.parametrize("nothing", [None, ..., "", "  ", "..."])
def test_one_open_question_is_not_attempted_even_beside_an_unknown_word(nothing):
    with pytest.raises(NotAttempted):
        choose(WORDS, first="unheard of", second=nothing)


def test_each_question_has_its_own_words():
    assert choose({"a": ("up", "down"), "b": ("tie",)}, b="TIE", a="Up") == {"b": "tie", "a": "up"}
    with pytest.raises(Stop, match="a: yours = 'tie', which is none of 'up', 'down'"):
        choose({"a": ("up", "down"), "b": ("tie",)}, a="tie", b="tie")


def test_a_mistake_is_recognised_only_if_it_answers_alike_everywhere():
    known = ((lambda a, b: a + b, "a sum"), (lambda a, b: a * b, "a product"))
    def same(yours, other):
        return yours == other
    assert recognise(known, [((2, 2), 4), ((2, 3), 6)], same) == "a product"       # 2 + 2 is 4 too, 2 + 3 is not 6
    assert recognise(known, [((2, 2), 4), ((2, 3), 7)], same, "by hand") == "by hand"


@each
def test_every_choice_is_read_kindly(check, given):
    dressed = {name: f" {value.upper().replace('-', ' ')}. " if isinstance(value, str) else value for name, value in given.items()}
    assert check(**dressed).text == check(**given).text


@each
def test_every_choice_names_its_options_and_waits_for_an_answer(check, given):
    assert not check().attempted
    for name in given:
        if name not in ("later", "stops"):                      # the one need not be asked, the other is a count
            assert not check(**given | {name: None}).attempted
            verdict = check(**given | {name: "what else"})
            assert verdict.attempted and not verdict.passed and "yours = 'what else', which is none of " in verdict.text


def test_a_verdict_is_a_card_that_reads_without_its_colours():
    looks = {Verdict("Right. It is `x < 1`.", passed=True): ("Right", "\u2713"), Verdict("Not yet. Look."): ("Not yet", "\u21bb"),
             Verdict("Not attempted yet. Write it.", attempted=False): ("Not attempted yet", "\u25cb")}
    for verdict, (word, sign) in looks.items():
        page = verdict._repr_html_()
        assert word in page and sign in page and "background:#" in page and "color:#1a1a1a" in page
        assert page == verdict._repr_html_() and page.count(word) == 1
    code = Verdict("Right. It is `x < 1`.", passed=True)._repr_html_()
    assert "the <em>root</em> of 2 * 3 * 4" in Verdict("Not yet. It is the *root* of 2 * 3 * 4.")._repr_html_()
    assert "<code" in code and "x &lt; 1</code>" in code and "`" not in code


def test_the_line_where_the_reader_s_code_stopped_is_quoted():
    def broken(values):
        return values.no_such_name      # a comment
    line = broken.__code__.co_firstlineno + 1
    assert f"stopped in line {line} with AttributeError" in ml.checks.background.ci95(broken).text
    assert "The line reads `return values.no_such_name`." in ml.checks.background.ci95(broken).text


@pytest.mark.parametrize("body, same", [
    ("return 1.96 * values.std(ddof=1) / len(values)", True),
    ("\n    # a comment\n    return (1.96 * values.std(ddof=1)\n            / len(values))", True),
    ("\n    '''A docstring.'''\n    return 1.96 * values.std(ddof = 1) / len(values)", True),
    ("return 1.96 * values.std(ddof=0) / len(values)", False),
    ("return 1.96 * values.std(axis=1) / len(values)", False),
    ("return 1.96 * values.std(ddof=1) * len(values)", False),
    ("return 1.96 * values.var(ddof=1) / len(values)", False),
])
def test_code_that_nobody_touched_is_not_attempted(body, same):
    space: dict = {}
    exec(f"def ci95(values):\n    {body.strip()}" if "\n" not in body else f"def ci95(values):{body}", space)
    verdict = ml.checks.background.ci95(space["ci95"])
    assert verdict.text.startswith("Not attempted yet: this is the code as it was given.") == same
    assert verdict.attempted != same and not verdict.passed


def test_a_forgotten_return_is_no_stub():
    def forgotten(values):
        1.96 * values.std(ddof=1) / len(values) ** 0.5
    def stub(values):
        """To be written."""
    verdict = ml.checks.background.ci95(forgotten)
    assert verdict.attempted and "End it with `return`" in verdict.text
    assert not ml.checks.background.ci95(stub).attempted


def test_a_check_leaves_every_random_state_alone():
    import random
    np.random.seed(3), random.seed(3), torch.manual_seed(3)
    before = np.random.get_state()[1].copy(), random.getstate(), torch.get_rng_state()
    ml.checks.maml.prediction("tie", "MAML", "shrinks")
    ml.checks.few_shot_learning.honest_draw(lambda rng, n, k, q: np.split(np.random.permutation(n)[:k + q], [k]))
    assert np.array_equal(np.random.get_state()[1], before[0]) and random.getstate() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])
