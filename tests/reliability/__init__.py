"""Each vendor's account in each phase of its life while something fails."""
