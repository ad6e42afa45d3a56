"""Chapter 8: questions, each answered with a number."""
