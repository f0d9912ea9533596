"""Readers of the API, each at its own pace. `reader.py` says what they have in common.

A module here may import `api`, `pushes`, the mapping and what the account has learned
(`cameras`, `capabilities`, `instruction_lists`), and no Home Assistant.
"""
