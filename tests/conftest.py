"""What all tests share: one thread, the same hypothesis examples every time, and real data where there is some."""
import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings

# Networks this small gain nothing from a second thread, and lose much where another process holds that core. One thread
# also adds up in one order, so a result is the same on every run. Notebooks have kernels of their own and are not touched.
torch.set_num_threads(1)

# A suite that fails now and then teaches people to run it again: the same examples every time, and no clock held against them.
settings.register_profile("course", derandomize=True, deadline=None, database=None)
settings.load_profile("course")


@pytest.fixture
def real_data() -> Path:
    """The folder that METALIB_DATA names; the test is skipped, with the reason, where there is none."""
    folder = os.environ.get("METALIB_DATA")
    if not folder:
        pytest.skip("METALIB_DATA is not set: it names the folder that holds the real data")
    if not Path(folder).expanduser().is_dir():
        pytest.skip(f"METALIB_DATA is {folder!r}, which is no folder")
    return Path(folder).expanduser()


def pytest_collection_modifyitems(items) -> None:
    """A name that holds an address differs from process to process: pytest-xdist would refuse to run anything."""
    addresses = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if addresses:
        raise pytest.UsageError(f"tests named after an address in memory, give them ids=: {addresses[:3]}")
