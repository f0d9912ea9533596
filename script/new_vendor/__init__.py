"""The skeleton of a further vendor."""
