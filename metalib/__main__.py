"""The one front door: `python -m metalib train | measure | claims | figures | edition | grade NAME`.

    python -m metalib train maml-sinusoid         follow a recipe to weights and card
    python -m metalib measure hunger              measure anew what a chapter ships
    python -m metalib claims 03 --seeds 3         put a chapter's conclusions to the test on fresh seeds
    python -m metalib figures cover               draw a picture that README and slides use
    python -m metalib edition book                the course in another form: student, slides, book, labs
    python -m metalib grade handed_in/*.ipynb     students' notebooks in, a table out

Under `torchrun --nproc-per-node 2 -m metalib train ...` the meta-batch is split over the processes.
"""
import argparse
import sys

from . import recipes
from .course import commands as course


def main(arguments: list[str] | None = None) -> None:
    """Do what the command line asks for; what cannot be done is one sentence and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m metalib", description="Learning to Learn: train, measure, doubt, draw, publish, grade.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="train | measure | claims | figures | edition | grade")
    recipes.add_arguments(commands.add_parser("train", help="meta-train a learner by a named recipe, examine it, write weights and card"))
    course.add_arguments(commands)
    options = parser.parse_args(arguments)
    try:
        {"train": train, **course.COMMANDS}[options.command](options)
    except (ValueError, ArithmeticError, RuntimeError, OSError, ImportError) as error:
        sys.exit(f"{error}")


def train(options: argparse.Namespace) -> None:
    """`python -m metalib train`."""
    recipes.command(options)
    if options.log:
        from .course.image_classification.papers import keep
        keep(f"{options.out}/{options.recipe}.json")


if __name__ == "__main__":
    main()
