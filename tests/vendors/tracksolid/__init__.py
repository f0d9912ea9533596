"""Tracksolid Pro, against its simulator over real sockets."""
