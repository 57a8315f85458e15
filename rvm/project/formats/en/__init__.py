"""English formats, which Django finds through FORMAT_MODULE_PATH."""
