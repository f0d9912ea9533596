"""Parts of the actions of Tracksolid Pro. They may import Home Assistant."""
