"""Lifecycle of voicemails and drops: statuses, reasons, transitions and the rules behind them. Independent of any carrier."""
