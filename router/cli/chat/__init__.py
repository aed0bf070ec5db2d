"""`chat-router chat`: a conversation at the terminal, or through a pipe."""
