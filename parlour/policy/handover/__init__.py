"""Cases that go to another system: where to, how it got there, and what comes back."""
