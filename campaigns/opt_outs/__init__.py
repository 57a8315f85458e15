"""Lists of people who must not be reached: how they are read, and what becomes of the numbers on them."""
