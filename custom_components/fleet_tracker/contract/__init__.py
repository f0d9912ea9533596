"""The interface of a vendor's connection, and of its host: pure.

A module here imports nothing of the integration but this room and `model`, and no Home
Assistant.
"""
