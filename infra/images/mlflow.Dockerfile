# The MLflow server behind its login, on PostgreSQL and S3; every version is that of constraints.txt:
#   docker build --file infra/images/mlflow.Dockerfile --tag nnops-mlflow:0.1.0 .
FROM python:3.11.13-slim-bookworm AS build
WORKDIR /src
COPY constraints.txt .
COPY infra/images/constraints.txt further.txt
RUN python -m venv /opt/mlflow \
    && /opt/mlflow/bin/pip install --no-cache-dir --constraint constraints.txt --constraint further.txt \
        "mlflow[auth]" "psycopg[binary]" "boto3" "uvloop"

FROM python:3.11.13-slim-bookworm
RUN useradd --create-home --uid 1000 mlflow
COPY --from=build /opt/mlflow /opt/mlflow
COPY infra/images/mlflow-auth.ini /etc/mlflow/auth.ini
ENV PATH=/opt/mlflow/bin:$PATH MLFLOW_AUTH_CONFIG_PATH=/etc/mlflow/auth.ini \
    MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false PYTHONUNBUFFERED=1
USER 1000
WORKDIR /home/mlflow
EXPOSE 5000
# PGHOST, PGUSER and PGPASSWORD name the database server; the addresses hold no password.
ENTRYPOINT ["mlflow", "server", "--app-name", "basic-auth", "--host", "0.0.0.0", "--port", "5000", \
    "--backend-store-uri", "postgresql:///mlflow", "--workers", "4", "--uvicorn-opts", "--loop uvloop --log-level warning"]
