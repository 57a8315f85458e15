"""Carrier reports: stored in an inbox, correlated with drops and merged in batches; look-ups for drops without a report."""
