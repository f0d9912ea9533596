"""The tests of the Segway vendor."""
