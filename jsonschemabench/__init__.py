"""JSONSchemaBench: engines compared on real JSON Schemas. Run with ``python -m jsonschemabench``."""
