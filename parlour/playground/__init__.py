"""Stand-ins for the platforms, a cast of customers who use them, and a load driver; not needed in production."""
