# Nodes of a Ray cluster, and the driver of a sweep: nnops, Ray, PostgreSQL's and S3's clients. Built from the
# repository's root; every version is that of constraints.txt or infra/images/constraints.txt:
#   docker build --file infra/images/nnops.Dockerfile --tag nnops:0.1.0 .
FROM python:3.11.13-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE dvc.yaml ./
COPY infra/images/constraints.txt further.txt
COPY pipelines pipelines
COPY nnops nnops
# The default index has only builds of torch with CUDA; give another one for machines without GPUs.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN python -m venv /opt/nnops \
    && /opt/nnops/bin/pip install --no-cache-dir --constraint constraints.txt --constraint further.txt \
        --extra-index-url "$TORCH_INDEX" ".[postgres,s3]" "ray[default]"

FROM python:3.11.13-slim-bookworm
RUN useradd --create-home --uid 1000 nnops
COPY --from=build /opt/nnops /opt/nnops
ENV PATH=/opt/nnops/bin:$PATH OMP_NUM_THREADS=1 RAY_USAGE_STATS_ENABLED=0 MLFLOW_DISABLE_TELEMETRY=true PYTHONUNBUFFERED=1
USER 1000
WORKDIR /home/nnops/project
CMD ["nnops", "--help"]
