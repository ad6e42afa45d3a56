"""Nothing gives itself away: on the pages before an exercise's solution its answer is not to be found, neither written nor printed."""
import ast
import copy
import io
import re
import tokenize
from pathlib import Path

import nbformat
import pytest

PATHS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9]*.ipynb"))
AS_GIVEN = "Not attempted yet: this is the code as it was given."


@pytest.fixture(scope="module", params=PATHS, ids=[path.stem for path in PATHS])
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def tagged(notebook, tag: str) -> list:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def number(cell) -> str:
    return re.match(r"exercise-(\d+)", cell.id).group(1)


def cell_of(notebook, name: str):
    return next(cell for cell in notebook.cells if cell.id == name)


def printed(cell) -> str:
    """What a cell's outputs say, on one line."""
    texts = [output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", [])]
    return " ".join(" ".join(texts).split())


def code_lines(source: str) -> set[str]:
    """Lines of code without comments, blanks and the names that a solution gives its own functions."""
    lines: dict[int, str] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING):
            lines[token.start[0]] = lines.get(token.start[0], "") + squeezed(token.string)
    return {re.sub(r"_solution|Solution", "", line) for line in lines.values()}


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def telling(solution, stub) -> set[str]:
    """The lines of a solution that are its secret: what does not stand in the stub and is more than a name or an import."""
    usual = re.compile(r"def\w+\(|class\w+\(|import|from\w+import|ml\.checks\.\w+\.\w+\([\w, ]*\)$|returnpredict$|return\w+$")
    return {line for line in code_lines(solution.source) - code_lines(stub.source) if len(line) > 12 and not usual.match(line)}


def words_and_numbers(solution) -> tuple[set[str], set[str]]:
    """The words that a prediction chooses, and the numbers with which its verdict proves it."""
    call = ast.parse(solution.source).body[-1].value
    words = {node.value for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return words, set(re.findall(r"\d+\.\d+|\d\d+(?= ?%)", printed(solution)))


def leaks(notebook) -> list[tuple[str, str, str]]:
    """(exercise, cell, what it tells) for all that is told too early."""
    found = []
    for solution in tagged(notebook, "solution"):
        stub = cell_of(notebook, f"exercise-{number(solution)}-stub")
        place = notebook.cells.index(solution)
        before = [cell for cell in notebook.cells[:place] if cell not in tagged(notebook, "solution")]
        praise = printed(solution).removeprefix("Right. ").split(". ")[0]
        for cell in before:
            page = squeezed(cell.source) + squeezed(printed(cell))
            found += [(solution.id, cell.id, line) for line in telling(solution, stub) if line in page]
            if praise in printed(cell) or printed(cell).startswith("Right"):
                found.append((solution.id, cell.id, printed(cell)))
        if stub.source.count("= ...") > 1:                                       # a prediction: its question comes before any telling
            words, numbers = words_and_numbers(solution)
            for cell in notebook.cells[:notebook.cells.index(stub)]:
                page = cell.source + " " + printed(cell)
                found += [(solution.id, cell.id, f"{word} {n}") for word in words for n in numbers
                          if re.search(rf"{re.escape(word)}[^\n]{{0,20}}{re.escape(n)}(?![\d.]*\d)", page)]
        if "Find the " in cell_of(notebook, f"exercise-{number(solution)}").source:
            said = printed(cell_of(notebook, f"exercise-{number(solution)}-check"))
            if not said.startswith(AS_GIVEN):
                found.append((solution.id, "the check of code that nobody has touched", said))
    return found


def test_no_answer_stands_on_the_pages_before_its_solution(notebook):
    assert not leaks(notebook)


def test_solutions_stand_at_the_end_folded_with_what_they_print(notebook):
    solutions = tagged(notebook, "solution")
    if not solutions:
        pytest.skip("this chapter has no exercises")
    heading = next(i for i, cell in enumerate(notebook.cells) if cell.source.startswith("## Solutions"))
    assert notebook.cells[heading + 1:] == solutions
    assert [number(cell) for cell in solutions] == sorted(number(cell) for cell in tagged(notebook, "exercise"))
    for cell in solutions:
        assert cell.metadata.jupyter == {"outputs_hidden": True, "source_hidden": True}, cell.id
        assert cell.source.startswith(f"# Solution of exercise {number(cell)}\n") and printed(cell).startswith("Right. "), cell.id


def test_running_all_leaves_the_reader_s_own_functions_alone(notebook):
    def names(cells):
        return {node.name for cell in cells for node in ast.walk(ast.parse(cell.source))
                if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    methods = {"__init__", "adapt", "adapts", "move", "predict", "update"}
    assert not names(tagged(notebook, "solution")) & names(tagged(notebook, "exercise")) - methods


def test_nobody_has_answered_yet(notebook):
    checks = [cell for cell in notebook.cells if re.fullmatch(r"exercise-\d+-check", cell.id)]
    assert len(checks) == len(tagged(notebook, "exercise")) == len(tagged(notebook, "solution"))
    assert not [cell.id for cell in checks if not printed(cell).startswith("Not attempted yet")]


WRITTEN_OUT = {            # (chapter, exercise) -> how its answer looks where it is written out in a sentence, a formula or a cell
    ("01_background", 3): r"sqrt\(len\(", ("02_concepts", 3): r"softmax\(-?1\)", ("03_maml", 4): r'endswith\("bias"\)',
    ("04_meta_lstm", 1): r"0\.87\d|f=1\b", ("04_meta_lstm", 4): r"gradient\.sign|sign\(gradient\)",
    ("05_image_classification", 1): r"[Ss]even stops|[Ss]even times|[Ss]tops (seven|7) times", ("06a_few_shot_learning", 3): r"one_hot\(y, n_way\)",
    ("06b_robot_learning", 4): r"brake.{0,12}\(speed - dq\)", ("06c_recommendation", 2): r"\(k\s*\+\s*(\\lambda|3|doubt)\)|k \+ 3",
    ("06c_recommendation", 3): r"square\(\)\.sum\(\) / \(len|summed over k \+ 3",
    ("06c_recommendation", 4): r"[Ff]ilm in both sets|one shuffle", ("06d_drug_discovery", 3): r"lots?\[scaffold\]",
    ("07_challenges", 2): r"linalg\.solve\(eye \+", ("07_challenges", 3): r"\\alpha\^\*\s*=|best_rate\(", ("07_challenges", 4): r"new @ new",
}


def written_out(notebook, name: str) -> list[tuple[int, str]]:
    """(exercise, cell) wherever an answer is written out before its question, the exercise's own cells aside."""
    found = []
    for (chapter, k), looks in WRITTEN_OUT.items():
        if chapter == name:
            stub = next(i for i, cell in enumerate(notebook.cells) if cell.id == f"exercise-{k}-stub")
            found += [(k, cell.id) for cell in notebook.cells[:stub] if re.search(looks, cell.source + printed(cell))]
    return found


@pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
def test_no_answer_is_written_out_before_its_question(path):
    assert not written_out(nbformat.read(path, as_version=4), path.stem)


@pytest.mark.parametrize("chapter, k", WRITTEN_OUT)
def test_the_look_of_an_answer_is_that_of_a_solution_or_of_a_cell_further_down(chapter, k):
    """Or the test above could not fail."""
    notebook = nbformat.read(next(p for p in PATHS if p.stem == chapter), as_version=4)
    stub = next(i for i, cell in enumerate(notebook.cells) if cell.id == f"exercise-{k}-stub")
    assert any(re.search(WRITTEN_OUT[chapter, k], cell.source + printed(cell)) for cell in notebook.cells[stub:])


def test_words_to_choose_from_do_not_stand_in_the_order_of_the_answers(notebook):
    for solution in tagged(notebook, "solution"):
        call = ast.parse(solution.source).body[-1].value
        answers = [a.value.value for a in call.keywords if isinstance(a.value, ast.Constant)]
        if len(set(answers)) == len(answers) > 2:
            listed = printed(cell_of(notebook, f"exercise-{number(solution)}-check"))
            places = [listed.find(repr(a)) for a in answers]
            assert -1 in places or places != sorted(places), (solution.id, answers)


def planted(path: str, change) -> list:
    notebook = copy.deepcopy(nbformat.read(next(p for p in PATHS if p.stem == path), as_version=4))
    change(notebook, {cell.id: cell for cell in notebook.cells})
    return leaks(notebook)


def said(cell, text: str) -> None:
    cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": text})]


@pytest.mark.parametrize("path, exercise, change", [
    ("02_concepts", 2, lambda nb, c: c["two-ideas"].update(source=c["two-ideas"].source + "\n    return -(z_query[:, None] - prototypes)"
                                                           ".square( ).sum(-1)  # so")),
    ("03_maml", 1, lambda nb, c: c["three-starts"].update(source="After ten steps MAML has 0.09, random 3.75.")),
    ("03_maml", 1, lambda nb, c: said(c["episode"], "MAML: 0.09")),
    ("01_background", 3, lambda nb, c: said(c["exercise-3-check"], "Not yet. Divided by n.")),
    ("01_background", 3, lambda nb, c: said(c["exercise-2-check"], "Right. Half-width, sample spread, root of n: so it is.")),
    ("07_challenges", 4, lambda nb, c: nb.cells.insert(3, nbformat.v4.new_code_cell(c["exercise-4-solution"].source, id="copy"))),
    ("08_faq", 2, lambda nb, c: nb.cells[1].update(source=nb.cells[1].source + '\nml.checks.faq.choice(letters="ProtoNet", '
                                                   'doses="CNP", factory="from scratch", clinic="in context")')),
], ids=["code with other spaces", "sentence", "printed", "printed by a check", "printed by another check", "copied cell", "choice"])
def test_a_leak_would_be_found(path, exercise, change):
    assert f"exercise-{exercise}-solution" in {solution for solution, _, _ in planted(path, change)}
