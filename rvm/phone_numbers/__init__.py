"""Phone numbers: which may be reached, where their owners may be, and the number plan that says so. It knows no other package."""
