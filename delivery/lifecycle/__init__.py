"""The life of a voicemail and of a drop: statuses, reasons, transitions and what leads to them. It knows no carrier."""
