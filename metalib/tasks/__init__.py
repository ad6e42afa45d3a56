"""Where episodes come from: one room per modality, one file per family, each with `sample(n_tasks, ..., seed) -> Episode`.

Your own data, one line each:

    Arrays(x, y)                                  labelled arrays and tables           Loaded(dataloader)   ready episodes
    Texts(sentences, labels)                      labelled sentences
    Folder("photos")                              a folder of images for each class
    Arrays.of(tasks, through=extract)             what a frozen network of yours says of images, as vectors for any learner
    Assays.from_csv("assays.csv", smiles="smiles", assays=[...])    molecules with a column of 0 and 1 for each assay
    Ratings.of(users, items, ratings)             who rated what how: a user is a task

All take `classes=` (Assays: `assays=`, Ratings:
`situation=`), so that training and test can be kept apart. A family of another kind is a class with the
one method `sample`; N-way sources derive from `Classes` and write `draw`.
"""
from .robots.arm import Arm
from .molecules.assays import Assays, Tox21
from .molecules.computed import ComputedAssays
from .images.digits import Digits
from .images.changed import Distorted, Shifted
from .images.folder import Folder
from .images.drawn import Drawn
from .images.glyphs import Glyphs
from .text.intents import Intents
from .arrays import Arrays, Loaded
from .classes import Classes
from .mixture import Mixture
from .shuffled import Shuffled
from .images.omniglot import Omniglot
from .waves.quadratics import Quadratics
from .ratings.users import Ratings
from .robots.demonstrations import Robots
from .robots.navigation import Navigation
from .text.sentences import Sentences
from .text.vectors import Texts
from .waves.sinusoid import Sinusoid
from .tables.prior import SyntheticTables
from .tables.real import RealTable
