"""The verbs: what people and programs do with campaigns and their lists. The API and the admin only call these."""
