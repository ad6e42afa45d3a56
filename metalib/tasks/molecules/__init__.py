"""Assays as tasks: molecules, active or not."""
