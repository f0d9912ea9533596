"""Shared by the clients of several vendors to reach their servers.

A module here imports nothing of the integration but this room, `contract` and `model`, and
no Home Assistant.
"""
