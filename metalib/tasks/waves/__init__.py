"""Waves and bowls: families of regression tasks whose truth is known."""
