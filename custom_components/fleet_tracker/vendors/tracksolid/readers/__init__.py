"""Readers of the API, each at its own pace.

A module here may import `api` and the mapping, and no Home Assistant.
"""
