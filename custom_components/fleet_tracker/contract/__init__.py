"""What a vendor's connection implements, and what it may ask for: pure.

A module here imports nothing of the integration but this room and `model`, and no Home
Assistant.
"""
