"""Chapter 7: cost, generalisation, theory, directions."""
