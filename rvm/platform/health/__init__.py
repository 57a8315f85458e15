"""Health of the running platform: what is checked for `/livez` and `/readyz`, and what fails in the background."""
