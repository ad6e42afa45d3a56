"""What is shipped as measured says how it was come by."""
import pytest

from metalib import storage
from metalib.course.measurements import MEASUREMENTS


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_every_shipped_measurement_says_seed_minutes_versions_and_processor(name):
    file = MEASUREMENTS[name].file
    note = storage.load_tensors(storage.MEASURED / file)[1] if file else storage.provenance(name)
    assert {"seed", "minutes", "versions", "threads", "processor"} <= set(note), note
    assert {"python", "torch", "numpy"} <= set(note["versions"]) and note["minutes"] >= 0
