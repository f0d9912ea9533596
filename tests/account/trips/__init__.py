"""Tests of the kept trips."""
