"""What each vendor's account does in each phase of its life while something fails."""
