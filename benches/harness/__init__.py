"""The benchmark of Pawbase and PocketBase side by side; ../peers.py starts it, ../README.md explains it."""
