"""The course's part of the front door: `python -m metalib measure | claims | figures | edition | grade`.

Each command loads what it needs when it is called, so that the others need not wait for it.
"""
import argparse


def add_arguments(commands) -> None:
    """Give the front door, a parser's `add_subparsers`, the course's commands."""
    measuring = commands.add_parser("measure", help="measure anew what a chapter ships")
    doubting = commands.add_parser("claims", help="measure conclusions of chapters on fresh seeds: do they hold?")
    doubting.add_argument("which", nargs="*", metavar="CHAPTER or ID", help='such as 03 or 03.1; none: all')
    doubting.add_argument("--seeds", type=int, default=3, metavar="N", help="how many seeds (default 3)")
    doubting.add_argument("--record", action="store_true", help="ship the numbers, measured on seeds 0, 1, ...: the text is written from them")
    doubting.add_argument("--list", action="store_true", help="list ids, minutes a seed and sentences, and stop")
    drawing = commands.add_parser("figures", help="draw the pictures that README and slides use")
    for one in (measuring, drawing):
        one.add_argument("name", nargs="?", metavar="NAME", help="which; see --list")
        one.add_argument("--list", action="store_true", help="list the names and stop")
    drawing.add_argument("--out", default="figures", metavar="DIR", help="folder to write to (default figures)")
    making = commands.add_parser("edition", help="the course in another form, made from its notebooks")
    making.add_argument("edition", choices=("student", "slides", "book", "labs"), help="without solutions; decks; a book; the labs as an app")
    making.add_argument("which", nargs="*", metavar="CHAPTER", help="such as 03; none: all")
    making.add_argument("--out", default="build", metavar="DIR", help="folder to write to (default build)")
    making.add_argument("--write", action="store_true", help="labs: write their notebook and do not start the app")
    grading = commands.add_parser("grade", help="run students' notebooks against the checks: a table")
    grading.add_argument("notebooks", nargs="+", metavar="NOTEBOOK", help="chapters with answers filled in")
    grading.add_argument("--csv", metavar="FILE", help="write the table for a spreadsheet as well")
    grading.add_argument("--cell-seconds", type=int, default=120, metavar="N", help="stop a cell that takes longer (default 120)")
    grading.add_argument("--seconds", type=int, default=900, metavar="N", help="stop a notebook that takes longer (default 900)")


def measure(options: argparse.Namespace) -> None:
    """`python -m metalib measure`."""
    from .measurements import MEASUREMENTS
    from .measurements import measure as anew
    if options.list or options.name is None:
        for name, what in MEASUREMENTS.items():
            print(f"{name:20}  {what.minutes:g} min{', needs ' + what.data if what.data else ''}")
        return
    anew(options.name)
    print(f"measured {options.name}")


def claims(options: argparse.Namespace) -> None:
    """`python -m metalib claims`."""
    from .claims import FRESH, find, measure
    from ..episodes import at_least
    at_least(1, seeds=options.seeds)
    for claim in find(options.which):
        if options.list:
            print(f"{claim.id:6} {claim.minutes:5g} min a seed{f', needs {claim.data}' if claim.data else ''}  {claim.recorded.sentence}")
            continue
        first = 0 if options.record else FRESH
        found = measure(claim, range(first, first + options.seeds), options.record)
        print(f"{found.account()}\n      seeds: {', '.join(map(str, found.seeds))}\n", flush=True)


def figures(options: argparse.Namespace) -> None:
    """`python -m metalib figures`."""
    from .figures import FIGURES, write
    if options.list or options.name is None:
        print("\n".join([*FIGURES, "films"]))
        return
    write(options.name, options.out)
    print(f"wrote {options.name} to {options.out}")


def edition(options: argparse.Namespace) -> None:
    """`python -m metalib edition`."""
    from .editions import write
    print(write(options.edition, options.out, options.which, serve=not options.write))


def grade(options: argparse.Namespace) -> None:
    """`python -m metalib grade`."""
    from . import grade as by
    from ..episodes import at_least
    from ..storage import writing
    at_least(1, cell_seconds=options.cell_seconds, seconds=options.seconds)
    found = []
    with writing(options.csv):
        for path in options.notebooks:
            try:
                found.append(by.grade(path, cell_seconds=options.cell_seconds, seconds=options.seconds))
            except ValueError as error:                                                # the others are judged all the same
                found.append(by.Graded(path, remarks=(f"{error}",)))
            print(found[-1], flush=True)
        if options.csv:
            by.save(found, options.csv)
    if unread := [one.name for one in found if not one.title]:
        raise ValueError(f"not judged: {', '.join(unread)}")


COMMANDS = {"measure": measure, "claims": claims, "figures": figures, "edition": edition, "grade": grade}
