"""Webhook destinations and their deliveries over the API, and what receivers are sent in the OpenAPI document."""
