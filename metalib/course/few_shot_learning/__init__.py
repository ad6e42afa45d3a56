"""Chapter 6a: new classes from few samples."""
