# syntax=docker/dockerfile:1
# One image for the four services and the command line: `python -m sessions`, `mentorstream topics apply`.
# What it protects: only locked versions are installed, and the final stage holds no compiler, no installer and no root process.
ARG PYTHON_TAG=3.11-slim-bookworm

# --- What both build stages need: uv and the workspace's manifests, so that sources may change without a new download.
FROM python:${PYTHON_TAG} AS workspace
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir --root-user-action=ignore uv==0.13.9
WORKDIR /workspace
COPY pyproject.toml uv.lock ./
COPY packages/contracts/pyproject.toml packages/contracts/
COPY packages/eventkernel/pyproject.toml packages/eventkernel/
COPY packages/mentorstream/pyproject.toml packages/mentorstream/
COPY services/evidence/pyproject.toml services/evidence/
COPY services/notifications/pyproject.toml services/notifications/
COPY services/safeguarding/pyproject.toml services/safeguarding/
COPY services/sessions/pyproject.toml services/sessions/

# --- The contracts' code, compiled from proto/ with the locked generators. They stay behind in this stage.
FROM workspace AS contracts
RUN --mount=type=cache,target=/root/.cache/uv \
    UV_PROJECT_ENVIRONMENT=/generator uv sync --frozen --only-group dev --no-install-workspace
COPY packages/contracts/generate.py packages/contracts/
COPY proto proto
RUN /generator/bin/python packages/contracts/generate.py

# --- The environment that runs: third-party packages first, the workspace's own afterwards, none of them editable.
FROM workspace AS environment
ENV UV_PROJECT_ENVIRONMENT=/opt/mentorstream
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-dev --package mentorstream --extra s3 --no-install-workspace
COPY packages packages
COPY services services
COPY --from=contracts /workspace/packages/contracts/src packages/contracts/src
# The command line's wheel takes the topics in.
COPY deploy/kafka/topics.json deploy/kafka/topics.json
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-dev --package mentorstream --extra s3 --no-editable

FROM python:${PYTHON_TAG} AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="mentorstream" \
      org.opencontainers.image.description="An event-sourced platform for mentoring in vocational education: the four services" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="python:3.11-slim-bookworm"
# A volume that is mounted here for the first time takes its owner and mode from these folders. Key files want 0700.
RUN python -m pip uninstall --yes --quiet --root-user-action=ignore setuptools wheel pip \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/mentorstream/keys /var/lib/mentorstream/blobs /var/lib/mentorstream/local \
    && install -d -o 10001 -g 10001 -m 0755 /var/lib/mentorstream/jwks
COPY --from=environment /opt/mentorstream /opt/mentorstream
COPY --chmod=0755 deploy/image/healthy.py /opt/mentorstream/bin/healthy.py
# Nothing is written outside /tmp and the mounted volumes, so the root file system may be read-only.
ENV PATH=/opt/mentorstream/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /tmp
USER 10001:10001
# gRPC, gRPC health in plain, HTTP pages in plain, metrics.
EXPOSE 50051 50052 50053 9464
STOPSIGNAL SIGTERM
CMD ["mentorstream", "--help"]
