"""Chapter 5: the document's listing on trial, and the image-classification project."""
