"""Small tables to classify: drawn from a prior over functions (`prior.py`), and real ones (`real.py`)."""
