"""The listing of section 5 as a text, and its repairs: each a part taken out and a part put in.

It claims to be MAML: Finn, Abbeel, Levine 2017, https://arxiv.org/abs/1703.03400, algorithm 2.
"""
from __future__ import annotations

LISTING = """\
import torch
import torch.nn as nn
from torch.utils.data import DataLoader

class MAML(nn.Module):
    def __init__(self, model, inner_lr, outer_lr):
        super().__init__()
        self.model = model
        self.inner_lr = inner_lr
        self.outer_lr = outer_lr

    def forward(self, x_spt, y_spt, x_qry, y_qry):
        for _ in range(self.inner_lr):                                # inner loop
            loss = F.cross_entropy(self.model(x_spt), y_spt)
            self.model.zero_grad()
            loss.backward()
            for param in self.model.parameters():
                param.data -= self.inner_lr * param.grad.data
        return F.cross_entropy(self.model(x_qry), y_qry)              # outer loss

model = ...
optimizer = torch.optim.Adam(model.parameters(), lr=outer_lr)

for epoch in range(num_epochs):
    for x_spt, y_spt, x_qry, y_qry in dataloader:
        loss = model(x_spt, y_spt, x_qry, y_qry)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""

# What stops it, repaired to the letter, in the order in which running it finds out; for each, (the part as it was, the part as it must be).
LOUD = (
    (("model = ...\n", "model = small_network()\n"),),
    (("model = small", "outer_lr = 3e-3\nmodel = small"),),
    (("for epoch", "num_epochs = 1\nfor epoch"),),
    (("num_epochs = 1\n", "num_epochs, dataloader = 1, list(some_tasks(2))\n"),),
    (("model = small_network()", "model = MAML(small_network(), inner_lr=0.4, outer_lr=outer_lr)"),),
    (("range(self.inner_lr)", "range(self.inner_steps)"), ("inner_lr, outer_lr):", "inner_lr, outer_lr, inner_steps=1):"),
     ("self.outer_lr = outer_lr\n", "self.outer_lr = outer_lr\n        self.inner_steps = inner_steps\n")),
    (("import torch.nn as nn\n", "import torch.nn as nn\nimport torch.nn.functional as F\n"),),
)
LOOPS = 5                       # the repair of `range(self.inner_lr)`

# What does not stop it. 1: each task gets weights of its own, and the start outlives it.
OVERWRITES = """\
            loss = F.cross_entropy(self.model(x_spt), y_spt)
            self.model.zero_grad()
            loss.backward()
            for param in self.model.parameters():
                param.data -= self.inner_lr * param.grad.data
        return F.cross_entropy(self.model(x_qry), y_qry)              # outer loss
"""
COPIES = """\
            loss = F.cross_entropy(functional_call(self.model, fast, (x_spt,)), y_spt)
            grads = torch.autograd.grad(loss, list(fast.values()))
            fast = {name: p - self.inner_lr * g for (name, p), g in zip(fast.items(), grads)}
        return F.cross_entropy(functional_call(self.model, fast, (x_qry,)), y_qry)      # outer loss
"""
OWN_WEIGHTS = ((OVERWRITES, COPIES),
               ("        for _ in range", "        fast = dict(self.model.named_parameters())\n        for _ in range"),
               ("functional as F\n", "functional as F\nfrom torch.func import functional_call\n"))
# 2: the gradient goes through the step.
THROUGH_THE_STEP = (("list(fast.values()))", "list(fast.values()), create_graph=True)"),)
# 3: several tasks in one outer step, and what has become idle goes.
SEVERAL_TASKS = (("list(some_tasks(2))", "list(some_batches(2, meta_batch=16))"),
                 ("for x_spt, y_spt, x_qry, y_qry in dataloader:", "for batch in dataloader:"),
                 ("loss = model(x_spt, y_spt, x_qry, y_qry)", "loss = torch.stack([model(*task) for task in batch]).mean()"),
                 ("from torch.utils.data import DataLoader\n", ""), ("        self.outer_lr = outer_lr\n", ""),
                 ("inner_lr, outer_lr, inner_steps", "inner_lr, inner_steps"), (", outer_lr=outer_lr)", ")"))

# 4: what is left: a predictor, that can be asked without gradients too.
STEP = """\
        for _ in range(self.inner_steps):                                # inner loop
            loss = F.cross_entropy(functional_call(self.model, fast, (x_spt,)), y_spt)
            grads = torch.autograd.grad(loss, list(fast.values()), create_graph=True)
            fast = {name: p - self.inner_lr * g for (name, p), g in zip(fast.items(), grads)}
        return F.cross_entropy(functional_call(self.model, fast, (x_qry,)), y_qry)      # outer loss
"""
ASKED = """\
        learning = torch.is_grad_enabled()
        for _ in range(self.inner_steps):                                # inner loop
            with torch.enable_grad():
                loss = F.cross_entropy(functional_call(self.model, fast, (x_spt,)), y_spt)
                grads = torch.autograd.grad(loss, list(fast.values()), create_graph=learning)
                fast = {name: p - self.inner_lr * g for (name, p), g in zip(fast.items(), grads)}
        return fast

    def predict(self, x_spt, y_spt, x):
        return functional_call(self.model, self.adapt(x_spt, y_spt), (x,))

    def forward(self, x_spt, y_spt, x_qry, y_qry):
        return F.cross_entropy(self.predict(x_spt, y_spt, x_qry), y_qry)                # outer loss
"""
PREDICTS = ((STEP, ASKED), ("def forward(self, x_spt, y_spt, x_qry, y_qry):\n        fast", "def adapt(self, x_spt, y_spt):\n        fast"))
# Not repairs: changes under which a fault shows that was hidden.
ZERO_FIRST = (("        loss = model(x_spt, y_spt, x_qry, y_qry)\n        optimizer.zero_grad()\n",
               "        optimizer.zero_grad()\n        loss = model(x_spt, y_spt, x_qry, y_qry)\n"),)
REAL_LOADER = (("list(some_tasks(2))", "DataLoader(list(some_tasks(2)))"),)
UNBATCHED = (("DataLoader(list(some_tasks(2)))", "DataLoader(list(some_tasks(2)), batch_size=None)"),)


LISTED = "as listed, made to run"
STAGES = {LISTED: sum(LOUD, ()), "own weights for each task": OWN_WEIGHTS, "gradient through the step": THROUGH_THE_STEP,
          "16 tasks in a step": SEVERAL_TASKS}


def stages() -> dict[str, str]:
    """The text after each group of repairs."""
    text, found = LISTING, {}
    for name, changes in STAGES.items():
        text = found[name] = repair(text, *changes)
    return found


def whole_rate() -> str:
    """The listing with its loop over the rate left in, and a whole number for the rate."""
    return repair(LISTING, *(change for i, changes in enumerate(LOUD) if i != LOOPS for change in changes), ("inner_lr=0.4", "inner_lr=1"))


def repair(text: str, *changes: tuple[str, str]) -> str:
    """The text with each (old, new) changed once.

    Raises:
        ValueError: where an old part is not there, or there more than once: a repair that does not fit is no repair.
    """
    for old, new in changes:
        if text.count(old) != 1:
            raise ValueError(f"{old!r} is in the text {text.count(old)} times; a repair changes one place.")
        text = text.replace(old, new)
    return text
