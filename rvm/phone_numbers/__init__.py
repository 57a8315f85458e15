"""Phone numbers: validation, the time zones of their owners, and the number plan. Imports no other package of the project."""
