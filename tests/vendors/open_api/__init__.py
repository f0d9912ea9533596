"""The tests of the Open API."""
