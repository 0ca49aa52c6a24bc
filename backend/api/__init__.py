"""The HTTP interface: FastAPI routes over the service."""
