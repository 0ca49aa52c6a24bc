"""``GET /api/catalog``: what this installation can do."""

from fastapi import APIRouter, Response

from backend.api.deps import ServiceDep, answer_model
from backend.schemas.catalog import Catalog

router = APIRouter(tags=["catalog"])


@router.get("/api/catalog", response_model=None, responses={200: {"model": Catalog}})
def catalog(service: ServiceDep) -> Response:
    """List problems, optimizers, analyses …, each with its name, summary, reference and JSON schema."""
    return answer_model(service.catalog())
