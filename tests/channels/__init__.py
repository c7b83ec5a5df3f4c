"""Each channel against its stand-in, through the real door."""
