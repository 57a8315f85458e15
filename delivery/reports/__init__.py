"""What carriers report: kept in an inbox, correlated with drops, merged in batches, asked for where it never came."""
