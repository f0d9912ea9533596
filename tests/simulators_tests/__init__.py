"""Tests of the simulators, against the vendors' documents."""
