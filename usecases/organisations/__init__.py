"""What workspaces of one organisation share: opt-outs that were said before they came together."""
