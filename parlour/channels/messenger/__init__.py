"""A Facebook Page's private side: Messenger."""
