"""A Facebook Page's public side: posts, comments, replies and mentions."""
