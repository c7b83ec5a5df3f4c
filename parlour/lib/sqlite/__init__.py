"""SQLite as Django knows it, whose transactions of one process take turns."""
