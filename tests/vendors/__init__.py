"""The tests of the vendors, a package for each."""
