"""Programs of users: each knows an official client and an address, and nothing of this project."""
