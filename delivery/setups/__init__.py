"""The parts of telephony setups that depend on carriers: credentials, connection test, breaker."""
