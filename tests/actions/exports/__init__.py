"""Tests of files of trips."""
