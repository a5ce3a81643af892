"""Real services for tests, as processes of their own that end with the test."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from infra.local_cluster import free_ports

#: What a client of the S3 server has in its environment; the server believes any key.
KEYS = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "hush-s3", "AWS_DEFAULT_REGION": "us-east-1"}


@contextlib.contextmanager
def s3_server(folder: Path, bucket: str) -> Iterator[dict[str, str]]:
    """An HTTP server that speaks S3, with a bucket, and forgets everything at its end; what clients need in theirs."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "s3.log").open("ab") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, cwd=folder)
    try:
        deadline = time.monotonic() + 60
        while not _makes(url, bucket):
            assert server.poll() is None, (folder / "s3.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield KEYS | {"AWS_ENDPOINT_URL": url}
    finally:
        server.kill()
        server.wait()


def _makes(url: str, bucket: str) -> bool:
    import botocore.exceptions
    import botocore.session

    client = botocore.session.get_session().create_client(
        "s3",
        endpoint_url=url,
        region_name=KEYS["AWS_DEFAULT_REGION"],
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
    )
    try:
        client.create_bucket(Bucket=bucket)
    except botocore.exceptions.EndpointConnectionError:
        return False
    finally:
        client.close()
    return True


def environment(**further: str) -> dict[str, str]:
    """This process's, with what keeps the tests' processes small and to themselves."""
    quiet = {"OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "NNOPS_TRACKING": "off"}
    inherited = {key: value for key, value in os.environ.items() if key not in ("PYTEST_CURRENT_TEST", "RAY_ADDRESS")}
    return inherited | quiet | further
