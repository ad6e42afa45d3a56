"""The one front door: `python -m metalib train | measure | figures NAME`.

    python -m metalib train maml-sinusoid         follow a recipe to weights and card
    python -m metalib measure hunger              measure anew what a chapter ships
    python -m metalib figures cover               draw a picture that README and slides use

Under `torchrun --nproc-per-node 2 -m metalib train ...` the meta-batch is split over the processes.
"""
import argparse
import sys

from . import recipes


def main(arguments: list[str] | None = None) -> None:
    """Do what the command line asks for; what cannot be done is one sentence and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m metalib", description="Learning to Learn: train, measure, draw.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="train | measure | figures")
    recipes.add_arguments(commands.add_parser("train", help="meta-train a learner by a named recipe, examine it, write weights and card"))
    measuring = commands.add_parser("measure", help="measure anew what a chapter ships")
    drawing = commands.add_parser("figures", help="draw the pictures that README and slides use")
    for one in (measuring, drawing):
        one.add_argument("name", nargs="?", metavar="NAME", help="which; see --list")
        one.add_argument("--list", action="store_true", help="list the names and stop")
    drawing.add_argument("--out", default="figures", metavar="DIR", help="folder to write to (default figures)")
    options = parser.parse_args(arguments)
    try:
        {"train": train, "measure": measure, "figures": figures}[options.command](options)
    except (ValueError, ArithmeticError, RuntimeError, OSError, ImportError) as error:
        sys.exit(f"{error}")


def train(options: argparse.Namespace) -> None:
    """`python -m metalib train`."""
    recipes.command(options)
    if options.log:
        from .course.image_classification.papers import keep
        keep(f"{options.out}/{options.recipe}.json")


def measure(options: argparse.Namespace) -> None:
    """`python -m metalib measure`."""
    from .course.measurements import MEASUREMENTS
    from .course.measurements import measure as anew
    if options.list or options.name is None:
        for name, what in MEASUREMENTS.items():
            print(f"{name:20}  {what.minutes:g} min{', needs ' + what.data if what.data else ''}")
        return
    anew(options.name)
    print(f"measured {options.name}")


def figures(options: argparse.Namespace) -> None:
    """`python -m metalib figures`."""
    from .course.figures import FIGURES, write
    if options.list or options.name is None:
        print("\n".join([*FIGURES, "films"]))
        return
    write(options.name, options.out)
    print(f"wrote {options.name} to {options.out}")


if __name__ == "__main__":
    main()
