"""The three exercises of chapter 8: match a symptom to its cause, choose a learner, say how many tasks it takes."""
from __future__ import annotations

from ..challenges.distance import GRADIENT, POOLS, READS
from ...storage import shipped
from .lab_which_learner import METHODS, compute
from ..verdict import checker, choose, stop

# 1. Match: why is it at chance? ------------------------------------------------------------------------------------------------

SYMPTOMS = {                                    # argument -> the symptom, the right cause, where to look
    "before": ("far above chance before any step", "labels leak", "Nothing has been learned from the support set yet, and it "
               "knows the answers: then they stand somewhere in the episode."),
    "same": ("after adapting exactly what it was before", "support unused", "The steps change nothing: rate zero, steps zero, or "
             "parameters that `adapts` leaves out."),
    "worse": ("worse with every further step, then NaN", "rate too large", "Each step overshoots, the next one more."),
    "alone": ("good with all queries together, poor with one at a time", "batch statistics", "The queries help each other."),
}
CAUSES = sorted(cause for _, cause, _ in SYMPTOMS.values())      # in an order that tells nothing


@checker("Put one of " + ", ".join(map(repr, CAUSES)) + " in place of each row of dots.", **dict.fromkeys(SYMPTOMS, CAUSES))
def diagnosis(before=..., same=..., worse=..., alone=...):
    """Exercise 1: which cause belongs to which symptom?

    Arguments:
        before, same, worse, alone: a learner is far above chance before any step; after adapting exactly what it was before;
            worse with every further step; good with all queries together, poor with one at a time.
    """
    given = choose(CAUSES, before=before, same=same, worse=worse, alone=alone)
    wrong = [f"{name}: yours = {given[name]!r}. A learner that is {what}: {where}"
             for name, (what, cause, where) in SYMPTOMS.items() if given[name] != cause]
    if wrong:
        stop(" ".join(wrong))
    return "Four symptoms, four causes. ml.proof looks for three of them; a rate that is too large it does not know."


# 2. Choose: which learner for which problem? -----------------------------------------------------------------------------------

CASES = {
    "letters": ("5 examples of each of 20 classes, 1,000 training tasks",
                dict(answers="classes", shots=5, ways=20, tasks=1_000, new="alike", time="minutes", unsure=False)),
    "doses": ("5 measurements of a curve, 10,000 similar curves to train on, an answer that says how sure it is",
              dict(answers="values", shots=5, ways=5, tasks=10_000, new="alike", time="hours", unsure=True)),
    "factory": ("1,000 examples of each of 5 classes, no other task and no pretrained model",
                dict(answers="classes", shots=1_000, ways=5, tasks=1, new="alike", time="hours", unsure=False)),
    "clinic": ("5 rows of a table for each of 2 classes, no other table, minutes",
               dict(answers="classes of rows", shots=5, ways=2, tasks=1, new="alike", time="minutes", unsure=False)),
}


SAYS_HOW_SURE = ("CNP", "in context")           # a mean and a spread; all others answer with a value alone
NEEDS_NO_TASK = {"classes": ("from scratch",), "classes of rows": ("from scratch", "in context")}     # tables can be made up


@checker("Put one of " + ", ".join(map(repr, METHODS)) + " in place of each row of dots.", **dict.fromkeys(CASES, METHODS))
def choice(letters=..., doses=..., factory=..., clinic=...):
    """Exercise 2: what would you try first in each of CASES? The decision guide is the judge; its two best are accepted,
    and MAML where its cheaper relatives are.

    Where the answer must say how sure it is, only a learner that says so will do; where there is no other task, only one that needs none.
    """
    wrong, cheaper = [], []
    for case, mine in choose(METHODS, letters=letters, doses=doses, factory=factory, clinic=clinic).items():
        words, problem = CASES[case]
        found = compute(**problem)
        best = list(found.points)[:2]
        if mine == "MAML" and mine not in best and "first order or Reptile" in best:
            best.append(mine)
            cheaper.append(case)
        silent = problem["unsure"] and mine not in SAYS_HOW_SURE
        orphan = problem["tasks"] == 1 and mine not in NEEDS_NO_TASK[problem["answers"]]
        if silent or orphan or mine not in best:
            against = [why for points, why in found.reasons[mine] if points < 0]
            why = against[0] if against else "little speaks for it here"
            if silent and (mine in best or not against):
                why = "it answers with a value alone, and does not say how sure it is"
            if orphan and mine in best:
                why = "there is no other task that it could learn from beforehand"
            wrong.append(f"{case} ({words}): yours = {mine!r}; {why}. The guide would try {best[0]}: {found.reasons[best[0]][0][1]}.")
    if wrong:
        stop(" ".join(wrong))
    agrees = f"Accepted, though for {' and '.join(cheaper)} the guide puts MAML's cheaper relatives before it." if cheaper else "The guide agrees."
    return f"{agrees} It is a rule of thumb: measure your choice against the simplest baseline before you believe either."


# 3. Estimate: how many tasks? --------------------------------------------------------------------------------------------------

def enough(name: str, within: float = 1.5) -> int:
    """The smallest pool from which on the error on new waves is within a factor of that with the largest (mean of seeds)."""
    means = [sum(new for _, new in row) / len(row) for row in shipped("diversity")[name]]
    return next(n for i, n in enumerate(POOLS) if max(means[i:]) <= within * means[-1])


@checker(f"Put one of {', '.join(map(str, POOLS))} in place of each row of dots.", maml=POOLS, cnp=POOLS)
def enough_tasks(maml=..., cnp=...):
    """Exercise 3: from how many training waves on is the error on new waves within half again of that with 500?

    One size too small counts as right; more than enough is enough, and is told so.
    """
    learners, wrong, more = {"maml": GRADIENT, "cnp": READS}, [], ""
    for name, value in choose(POOLS, maml=maml, cnp=cnp).items():
        learner, right = learners[name], enough(learners[name])
        if POOLS.index(value) < POOLS.index(right) - 1:
            wrong.append(f"{name}: yours = {value}, measured {right}. "
                         + ("It has only the pool to learn from." if learner == READS else
                            "A few waves are no picture of all, and gradient steps from a random start are worth next to nothing."))
        if POOLS.index(value) > POOLS.index(right) + 1:
            more += f" {value} are enough for {learner}, and so are {right}."
    if wrong:
        stop(" ".join(wrong))
    return (f"Measured: MAML {enough(GRADIENT)}, the CNP {enough(READS)}; one size too small counts as right.{more} Whoever trains for "
            "longer needs more waves (question 6).")
