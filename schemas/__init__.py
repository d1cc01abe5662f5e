"""JSON Schemas and Pydantic models that examples and tests use. Installed as structgen.schemas."""
