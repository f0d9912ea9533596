"""What is known of vehicles, and what follows from it: pure.

A module here imports nothing of the integration but this room, and no Home Assistant.
"""
