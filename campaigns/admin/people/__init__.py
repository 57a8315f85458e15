"""The pages of people in the admin: the search, and one page for each person of a workspace."""
