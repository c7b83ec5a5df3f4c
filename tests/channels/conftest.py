"""What tests of several files here are given."""

from tests.channels.chatting import chat

__all__ = ["chat"]
