"""Chapter 2: transfer against meta-learning, and the three families."""
