"""The page that shows the API: Swagger UI, whose files a package brings, so that it needs no network."""

from importlib.resources import files

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, Response

PACKAGE = "fastapi_offline"
SCRIPT, STYLE = "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"
_CACHED = {"Cache-Control": "public, max-age=86400"}

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def page() -> HTMLResponse:
    """The page."""
    return get_swagger_ui_html(
        openapi_url="openapi.json",
        title="Weir",
        swagger_js_url=SCRIPT.removeprefix("/"),
        swagger_css_url=STYLE.removeprefix("/"),
        swagger_favicon_url="data:,",
    )


@router.get(SCRIPT)
async def script() -> Response:
    """Swagger UI itself."""
    return _file("swagger-ui-bundle.js", "text/javascript")


@router.get(STYLE)
async def style() -> Response:
    """How it looks."""
    return _file("swagger-ui.css", "text/css")


def _file(name: str, kind: str) -> Response:
    return Response((files(PACKAGE) / "static" / name).read_bytes(), media_type=kind, headers=_CACHED)
