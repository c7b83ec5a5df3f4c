"""The face of the chat: the widget on the brand's pages, what a visitor may read, and the news of their own conversation."""
