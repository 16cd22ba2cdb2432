"""The web app. Served as `gunicorn --threads 16 app.web:app`: one process, so that process_* and the
quantiles are those of the app."""
import hashlib
import time

import celery.exceptions
import flask
import kombu.exceptions
import prometheus_client
import redis

from app import database, faults, metrics, settings, tasks

app = flask.Flask("ai-validation")
app.config["MAX_CONTENT_LENGTH"] = settings.UPLOAD_LIMIT_BYTES

_database = database.Database()
_redis = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=settings.BACKEND_TIMEOUT_SECONDS / 4,
                              socket_connect_timeout=settings.BACKEND_TIMEOUT_SECONDS / 4)
_faults = faults.Faults(settings.DATABASE_URL)
metrics.register(_redis)

BACKEND_ERRORS = (database.Unavailable, redis.RedisError, kombu.exceptions.OperationalError,
                  celery.exceptions.CeleryError)


def _counted(request):
    return request.path not in ("/metrics", "/fault")


@app.before_request
def begin():
    flask.g.started = time.perf_counter()
    if flask.request.path.startswith("/api/"):
        _faults.delay()
        if _faults.next_request_fails():
            return {"error": "broken on purpose"}, 500
    return None


@app.after_request
def finish(response):
    request = flask.request
    if _counted(request):
        endpoint = request.url_rule.rule if request.url_rule else "unknown"
        metrics.observe_request(request.method, endpoint, str(response.status_code),
                                time.perf_counter() - flask.g.started)
    return response


def _unavailable(problem):
    return {"error": f"{type(problem).__name__}: a backend is not available"}, 503


for _error in BACKEND_ERRORS:
    app.register_error_handler(_error, _unavailable)


@app.get("/health")
def health():
    _database.ping()
    _redis.ping()
    return {"status": "healthy"}


@app.get("/metrics")
def exposition():
    return flask.Response(prometheus_client.generate_latest(),
                          content_type=prometheus_client.CONTENT_TYPE_LATEST)


@app.get("/api/dashboard/stats")
def dashboard_stats():
    return _database.statistics()


@app.get("/api/projects/<project>/videos")
def videos(project):
    return {"project": project, "videos": _database.list_videos(project)}


@app.post("/api/videos/upload")
def upload():
    file = flask.request.files.get("file")
    project = flask.request.form.get("project_id", "")
    if file is None or not project:
        return {"error": "a file and a project_id are needed"}, 400
    digest, size = hashlib.sha256(), 0
    while chunk := file.stream.read(1 << 16):
        digest.update(chunk)
        size += len(chunk)
    video = _database.add_video(project, file.filename or "unnamed", size, digest.hexdigest())
    tasks.process_video.apply_async(
        (video,), retry=False, priority=int(flask.request.form.get("priority", "0")))
    return {"id": video, "status": "queued"}, 202


@app.delete("/api/videos/<int:video>")
def delete_video(video):
    if not _database.delete_video(video):
        return {"error": "there is no such video"}, 404
    return "", 204


if settings.FAULTS_ALLOWED:
    @app.post("/fault")
    def set_fault():
        try:
            _faults.set(flask.request.get_json())
        except (TypeError, ValueError) as problem:
            return {"error": str(problem)}, 400
        return {}

    @app.delete("/fault")
    def repair():
        _faults.repair()
        return {}
