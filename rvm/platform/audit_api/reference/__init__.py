"""The audit in the shape of the reference platform: its names of fields and filters, pages by offset, a summary and exports."""
