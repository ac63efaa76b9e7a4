"""What only local runs need: the local host, the demo, and the stand-in for GitHub."""
