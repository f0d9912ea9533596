"""The records of vehicles, and what follows from them: pure.

A module here imports nothing of the integration but this room, and no Home Assistant.
"""
