"""The app's settings, all from the environment."""
import os
import pathlib


def secret(name, default):
    """The variable, or what the file says that the variable NAME_FILE names."""
    file = os.environ.get(name + "_FILE")
    return pathlib.Path(file).read_text().strip() if file else os.environ.get(name, default)


DATABASE_URL = secret("DATABASE_URL", "postgresql://127.0.0.1:5432/ai_validation")
REDIS_URL = secret("REDIS_URL", "redis://127.0.0.1:6379/0")
CELERY_BROKER_URL = secret("CELERY_BROKER_URL", REDIS_URL)

# Connections that the app may hold, and how long a request waits for one or for Redis.
POOL_SIZE = int(os.environ.get("APP_POOL_SIZE", "8"))
BACKEND_TIMEOUT_SECONDS = float(os.environ.get("APP_BACKEND_TIMEOUT", "2"))

# What the container may take; exported, so that rules and gates know it. 0: no limit is known.
MEMORY_LIMIT_BYTES = int(os.environ.get("APP_MEMORY_LIMIT", "0"))

# The window over which the quantiles of http_request_duration_seconds are taken.
QUANTILE_WINDOW_SECONDS = float(os.environ.get("APP_QUANTILE_WINDOW", "60"))

# How long the worker works on one video.
PROCESSING_SECONDS = float(os.environ.get("APP_PROCESSING_SECONDS", "0.05"))

# POST /fault breaks the app on purpose. For tests and demonstrations only.
FAULTS_ALLOWED = os.environ.get("APP_FAULTS") == "1"

UPLOAD_LIMIT_BYTES = 100 * 1024 * 1024
