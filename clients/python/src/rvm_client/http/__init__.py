"""HTTP to RVM: requests that are repeated, pages, and streams."""
