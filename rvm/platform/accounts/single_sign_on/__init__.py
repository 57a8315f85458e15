"""Single sign-on by OpenID Connect: people are let in by the identity provider of their organisation."""
