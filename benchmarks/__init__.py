"""What the router costs beside the bare client and its peers; see README.md in this folder."""
