#!/usr/bin/env python3
"""Writes dashboards/*.json, which Grafana reads, from the panels below: a row each.

usage: build.py [--check]     --check: exit code 1 when a file is not what would be written

A panel: kind, title, description, unit, thresholds [(from, color), …] and targets [(expression, legend), …]. Widths are
in Grafana's 24 columns; panels flow from left to right.
"""
import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent / "dashboards"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
APP = 'job=~"$job"'
COLORED = f'{APP},color=~"$color"'
REQUESTS = f"http_requests_total{{{COLORED}}}"
FAILURES = f'http_requests_total{{{COLORED},status=~"5.."}}'
GREEN, YELLOW, RED, BLUE = "green", "yellow", "red", "blue"

PLAIN = [(None, BLUE)]
LOW_IS_BAD = lambda bad, good: [(None, RED), (bad, YELLOW), (good, GREEN)]  # noqa: E731
HIGH_IS_BAD = lambda warn, bad: [(None, GREEN), (warn, YELLOW), (bad, RED)]  # noqa: E731


def rate(selector, window="$__rate_interval"):
    return f"rate({selector}[{window}])"


def quantile(q):
    bucket = f"http_server_request_duration_seconds_bucket{{{COLORED}}}"
    return f"histogram_quantile({q}, sum by (endpoint, le) ({rate(bucket)}))"


def row(kind, title, description, unit, thresholds, targets, width=6, height=None, **more):
    return {"kind": kind, "title": title, "description": description, "unit": unit, "thresholds": thresholds,
            "targets": targets, "width": width, "height": height or (5 if kind in ("stat", "gauge") else 8), **more}


def text(title, content, width=24, height=3):
    return {"kind": "text", "title": title, "content": content, "width": width, "height": height,
            "description": title, "unit": "none", "thresholds": PLAIN, "targets": []}


AVAILABILITY = row("stat", "Availability, 30 days", "One less the share of requests or probes that failed. Objective: 99.9 %.",
                   "percentunit", LOW_IS_BAD(0.995, 0.999), [("1 - slo:bad:ratio_30d", "availability")], decimals=3)
BUDGET = row("stat", "Error budget left", "Of 43.2 minutes in 30 days. Below zero: no more risks until there is some again.",
             "percentunit", LOW_IS_BAD(0, 0.25), [("slo:budget_left:ratio", "left")], decimals=1)
QUEUE_LIMIT, MEMORY_LIMIT, POOL_LIMIT = 10, 0.8, 0.8

TECHNICAL = [
    row("timeseries", "API response times", "Quantiles that the app reports for the last minute; red: the limit of HighResponseTime.",
        "s", HIGH_IS_BAD(0.5, 1), [(f'max by (endpoint) (http_request_duration_seconds{{{COLORED},quantile="0.50"}})', "p50 {{endpoint}}"),
                                   (f'max by (endpoint) (http_request_duration_seconds{{{COLORED},quantile="0.95"}})', "p95 {{endpoint}}"),
                                   (f'max by (endpoint) (http_request_duration_seconds{{{COLORED},quantile="0.99"}})', "p99 {{endpoint}}")], 12),
    row("timeseries", "API response times from buckets", "The same from the histogram, which can be summed over colors.",
        "s", HIGH_IS_BAD(0.5, 1), [(quantile(0.5), "p50 {{endpoint}}"), (quantile(0.95), "p95 {{endpoint}}"),
                                   (quantile(0.99), "p99 {{endpoint}}")], 12),
    row("timeseries", "Request rate", "Requests per second by color and endpoint.", "reqps", PLAIN,
        [(f"sum by (color, endpoint) ({rate(REQUESTS)})", "{{color}} {{endpoint}}")], 12),
    row("timeseries", "Error rates", "Shares of 4xx and 5xx; red: the limit of HighErrorRate.", "percentunit", HIGH_IS_BAD(0.01, 0.05),
        [("kpi:errors:ratio_5m", "5xx"), ("kpi:client_errors:ratio_5m", "4xx")], 12),
    row("timeseries", "Memory", "Resident memory of the app, and what it may take.", "bytes", PLAIN,
        [(f"process_resident_memory_bytes{{{COLORED}}}", "{{color}} {{instance}}"), ("kpi:memory_limit:bytes", "limit")], 12),
    row("timeseries", "Processors", "Cores in use by the app.", "short", PLAIN,
        [(f"sum by (color, instance) ({rate('process_cpu_seconds_total{' + COLORED + '}')})", "{{color}} {{instance}}")], 12),
    row("timeseries", "Database reads", "Rows read by sequential scans and through indexes, per second.", "ops", PLAIN,
        [(f"sum ({rate('pg_stat_user_tables_seq_tup_read')})", "sequential"), (f"sum ({rate('pg_stat_user_tables_idx_tup_fetch')})", "index")], 8),
    row("timeseries", "Database connections", "Share of the connections that are taken; red: the limit of DatabaseConnectionPoolHigh.",
        "percentunit", HIGH_IS_BAD(0.6, POOL_LIMIT), [("kpi:database_connections:ratio", "taken")], 8),
    row("timeseries", "Database transactions", "Commits and rollbacks per second.", "ops", PLAIN,
        [(f"sum ({rate('pg_stat_database_xact_commit')})", "commits"), (f"sum ({rate('pg_stat_database_xact_rollback')})", "rollbacks")], 8),
    row("timeseries", "Database reads from memory", "Share of blocks that were in the buffer cache.", "percentunit", LOW_IS_BAD(0.9, 0.99),
        [(f"sum ({rate('pg_stat_database_blks_hit')}) / (sum ({rate('pg_stat_database_blks_hit')}) + sum ({rate('pg_stat_database_blks_read')}) > 0)", "hits")], 8),
    row("stat", "Deadlocks, last hour", "Each one ended somebody's transaction.", "short", HIGH_IS_BAD(1, 5),
        [("sum (increase(pg_stat_database_deadlocks[1h]))", "deadlocks")], 4),
    row("stat", "Longest transaction", "How long the oldest open transaction has been going on.", "s", HIGH_IS_BAD(60, 300),
        [("max (pg_long_running_transactions_oldest_timestamp_seconds)", "oldest")], 4),
    row("timeseries", "Mean query time", "Of all statements (needs the collector's part stat_statements).", "s", HIGH_IS_BAD(0.1, 1),
        [(f"sum ({rate('pg_stat_statements_seconds_total')}) / (sum ({rate('pg_stat_statements_calls_total')}) > 0)", "mean")], 8, 5),
    row("gauge", "Cache hit rate", "Of the cache, not of the broker.", "percentunit", LOW_IS_BAD(0.8, 0.9),
        [("kpi:cache_hits:ratio_5m", "hits")], 6, min=0, max=1),
    row("stat", "Evictions", "Keys per second that were thrown out for want of memory.", "ops", HIGH_IS_BAD(1, 100),
        [(f"sum ({rate('redis_evicted_keys_total')})", "evictions")], 6),
    row("stat", "Video processing queue", "Tasks that wait; red: the limit of VideoProcessingQueueBacklog.", "short", HIGH_IS_BAD(5, QUEUE_LIMIT),
        [("kpi:queue:length", "waiting")], 6),
    row("bargauge", "Tasks by queue", "Tasks that wait in each queue.", "short", HIGH_IS_BAD(5, QUEUE_LIMIT),
        [("max by (queue_name) (celery_queue_length)", "{{queue_name}}")], 6, 5),
    row("state-timeline", "Targets", "1: answers, 0: does not.", "short", [(None, RED), (1, GREEN)],
        [("min by (job) (up)", "{{job}}")], 24, 6),
    row("table", "Alerts that fire", "Each has a runbook of its name.", "short", PLAIN,
        [('sum by (alertname, severity) (ALERTS{alertstate="firing"})', "")], 24, 6),
]

EXECUTIVE = [
    row("gauge", "System health score", "100: few errors, content users, all targets up, room in the pool and the queue. Aim: 95 or more.",
        "short", LOW_IS_BAD(80, 95), [("kpi:system_health:score", "health")], min=0, max=100, decimals=1),
    row("stat", "Parts of the score that are missing", "What cannot be measured counts nothing in the score.", "short", HIGH_IS_BAD(1, 2),
        [("kpi:system_health:missing", "missing")]),
    row("gauge", "User experience score", "Apdex: 1 when every request is answered within 0.25 s, half for those within 1 s.", "short",
        LOW_IS_BAD(0.85, 0.94), [("kpi:apdex:ratio_5m", "Apdex")], min=0, max=1, decimals=3),
    row("stat", "Processing throughput", "Videos processed per hour.", "short", PLAIN, [("kpi:videos:per_hour", "videos/h")], decimals=0),
    AVAILABILITY, BUDGET,
    row("stat", "Cost per video", "The constant infra_cost_per_hour by the throughput; empty until the constant is set.", "currencyUSD",
        PLAIN, [("kpi:cost_per_video", "cost")], decimals=4),
    row("stat", "Alerts that fire", "Critical ones and warnings.", "short", HIGH_IS_BAD(1, 3),
        [('count (ALERTS{alertstate="firing",severity=~"critical|warning"}) or vector(0)', "alerts")]),
    row("timeseries", "System health", "The score over time; green: the aim.", "short", LOW_IS_BAD(80, 95),
        [("kpi:system_health:score", "health")], 12),
    row("timeseries", "Use of the error budget", "1 is the even use; a page comes at 14.4 (one hour) and 6 (six hours).", "short",
        HIGH_IS_BAD(1, 14.4), [("slo:burn_rate:1h", "1 hour"), ("slo:burn_rate:6h", "6 hours"), ("slo:burn_rate:1d", "1 day")], 12),
    row("timeseries", "Throughput", "Videos per hour.", "short", PLAIN, [("kpi:videos:per_hour", "videos/h")], 12),
    row("timeseries", "User experience", "Apdex.", "short", LOW_IS_BAD(0.85, 0.94), [("kpi:apdex:ratio_5m", "Apdex")], 12),
]

BUSINESS = [
    row("gauge", "User satisfaction", "Apdex over seven days, from what was measured: no survey.", "short", LOW_IS_BAD(0.85, 0.94),
        [("kpi:user_satisfaction:apdex_7d", "Apdex")], min=0, max=1, decimals=3),
    row("stat", "Processing capacity", "The most videos per hour of the last seven days.", "short", PLAIN,
        [("kpi:videos:capacity_per_hour_7d", "videos/h")], decimals=0),
    row("stat", "Videos in progress", "Taken by a worker and not finished.", "short", PLAIN, [("kpi:videos:in_progress", "videos")]),
    row("stat", "Wait for processing", "The queue by the throughput.", "s", HIGH_IS_BAD(60, 600), [("kpi:queue:wait_seconds", "wait")]),
    row("bargauge", "Resource utilisation", "Memory of its limit, connections of the pool.", "percentunit", HIGH_IS_BAD(0.6, MEMORY_LIMIT),
        [("kpi:memory:ratio", "memory"), ("kpi:database_connections:ratio", "database connections")], 12, 5, min=0, max=1),
    row("stat", "Cost savings", "Against the constant baseline_cost_per_video; empty until both constants are set.", "percentunit",
        LOW_IS_BAD(0, 0.1), [("kpi:cost_savings:ratio", "saved")], decimals=1),
    row("stat", "Lead time", "From the commit to all of the traffic, of the last version that lasted.", "s", PLAIN,
        [("kpi:lead_time:seconds", "lead time")]),
    row("timeseries", "Videos per hour", "Processed, and the share that failed.", "short", PLAIN,
        [("kpi:videos:per_hour", "processed")], 12),
    row("timeseries", "Videos that failed", "Share of those that were processed.", "percentunit", HIGH_IS_BAD(0.01, 0.05),
        [("kpi:videos_failed:ratio_15m", "failed")], 12),
    row("stat", "Feature velocity", "Deployments of the last seven days that lasted.", "short", PLAIN,
        [('sum (kpi:deployments:count_7d{result="succeeded"})', "deployments")], 12, decimals=0),
    row("stat", "Change failure rate", "Share of the deployments of seven days that were rolled back or failed.", "percentunit",
        HIGH_IS_BAD(0.15, 0.3), [("kpi:change_failures:ratio_7d", "failed")], 12),
]

DEPLOY = [
    row("bargauge", "Share of the traffic", "By color and version, as deploy.sh has set it.", "percent", PLAIN,
        [("max by (color, version) (tocsin_deployment_share)", "{{color}} {{version}}")], 8, 6, min=0, max=100),
    row("stat", "Last deployment", "When it ended.", "dateTimeAsIso", PLAIN,
        [("max (tocsin_deployment_finished_timestamp_seconds) * 1000", "ended")], 8, 6),
    row("bargauge", "Gates of the last deployment", "0 passed, 1 failed, 2 not known, 3 error.", "short", HIGH_IS_BAD(1, 2),
        [("max by (gate) (tocsin_gate_result)", "{{gate}}")], 8, 6, min=0, max=3),
    row("timeseries", "Requests by color", "The shift, as the app sees it.", "reqps", PLAIN,
        [(f"sum by (color) ({rate(REQUESTS)})", "{{color}}")], 12),
    row("timeseries", "Errors by color", "Share of 5xx; the gates compare the colors.", "percentunit", HIGH_IS_BAD(0.01, 0.05),
        [(f"(sum by (color) ({rate(FAILURES)}) or 0 * sum by (color) ({rate(REQUESTS)})) / (sum by (color) ({rate(REQUESTS)}) > 0)",
          "{{color}}")], 12),
    row("timeseries", "Response time by color", "95th percentile.", "s", HIGH_IS_BAD(0.5, 1),
        [("histogram_quantile(0.95, sum by (color, le) (" + rate("http_server_request_duration_seconds_bucket{" + COLORED + "}") + "))", "{{color}}")], 12),
    row("timeseries", "Memory by color", "Resident memory.", "bytes", PLAIN,
        [("max by (color) (process_resident_memory_bytes{" + COLORED + "})", "{{color}}")], 12),
    row("timeseries", "Deployments", "All so far, by how they ended.", "short", PLAIN,
        [("sum by (result) (tocsin_deployments_total)", "{{result}}")], 12),
    row("state-timeline", "Alerts of the app", "1: fires.", "short", [(None, GREEN), (1, RED)],
        [('max by (alertname) (ALERTS{alertstate="firing",job=~"$job"})', "{{alertname}}")], 12),
]

DASHBOARDS = {
    "technical": ("AI Validation Platform - Performance", "What the app, its database, its queue and its cache do.", TECHNICAL),
    "executive": ("AI Validation Platform - Executive", "Is it well? In a few figures.", EXECUTIVE),
    "business": ("AI Validation Platform - Business impact", "What users and the business get, and what it takes.", BUSINESS),
    "deploy": ("AI Validation Platform - Deployments", "Both colors side by side, gates and records.", DEPLOY),
}

OPTIONS = {
    "timeseries": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
                   "tooltip": {"mode": "multi", "sort": "desc"}},
    "stat": {"graphMode": "area", "colorMode": "value", "justifyMode": "auto", "textMode": "auto", "wideLayout": True,
             "showPercentChange": False, "percentChangeColorMode": "standard", "orientation": "auto",
             "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}},
    "gauge": {"showThresholdLabels": False, "showThresholdMarkers": True, "sizing": "auto", "minVizWidth": 75, "minVizHeight": 75,
              "orientation": "auto", "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}},
    "bargauge": {"displayMode": "basic", "valueMode": "color", "namePlacement": "auto", "showUnfilled": True, "sizing": "auto",
                 "minVizWidth": 8, "minVizHeight": 16, "maxVizHeight": 300, "orientation": "horizontal",
                 "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
                 "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}},
    "state-timeline": {"showValue": "never", "rowHeight": 0.9, "mergeValues": True, "alignValue": "left",
                       "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
                       "tooltip": {"mode": "single", "sort": "none"}},
    "table": {"frameIndex": 0, "showHeader": True, "cellHeight": "sm"},
}
CUSTOM = {
    "timeseries": {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "spanNulls": False,
                   "thresholdsStyle": {"mode": "dashed"}},
    "state-timeline": {"lineWidth": 0, "fillOpacity": 80},
    "table": {"align": "auto", "inspect": False},
}


def panel(spec, number, x, y):
    kind = spec["kind"]
    grid = {"h": spec["height"], "w": spec["width"], "x": x, "y": y}
    common = {"id": number, "type": kind, "title": spec["title"], "description": spec["description"], "gridPos": grid,
              "datasource": DATASOURCE}
    if kind == "text":
        return common | {"options": {"mode": "markdown", "content": spec["content"]}}
    defaults = {"unit": spec["unit"], "noValue": "n/a", "color": {"mode": "thresholds"},
                "thresholds": {"mode": "absolute", "steps": [{"value": at, "color": color} for at, color in spec["thresholds"]]}}
    if kind == "timeseries":
        defaults["color"] = {"mode": "palette-classic"}
    for key in ("decimals", "min", "max"):
        if key in spec:
            defaults[key] = spec[key]
    if kind in CUSTOM:
        custom = dict(CUSTOM[kind])
        if kind == "timeseries" and len(spec["thresholds"]) == 1:
            custom["thresholdsStyle"] = {"mode": "off"}
        defaults["custom"] = custom
    targets = []
    for index, (expr, legend) in enumerate(spec["targets"]):
        target = {"refId": chr(ord("A") + index), "datasource": DATASOURCE, "expr": expr, "editorMode": "code",
                  "legendFormat": legend or "__auto", "range": kind not in ("table",), "instant": kind == "table"}
        targets.append(target | ({"format": "table"} if kind == "table" else {}))
    return common | {"targets": targets, "options": OPTIONS[kind], "fieldConfig": {"defaults": defaults, "overrides": []}}


def variable(name, label, query, **more):
    return {"name": name, "label": label, "type": "query", "query": query, "datasource": DATASOURCE, "refresh": 2, "sort": 1,
            "multi": True, "includeAll": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"}} | more


def dashboard(name):
    title, description, rows = DASHBOARDS[name]
    panels, x, y, height = [], 0, 0, 0
    for number, spec in enumerate(rows, 1):
        if x + spec["width"] > 24:
            x, y, height = 0, y + height, 0
        panels.append(panel(spec, number, x, y))
        x, height = x + spec["width"], max(height, spec["height"])
    link = {"type": "dashboards", "icon": "external link", "tooltip": "", "asDropdown": False, "targetBlank": False,
            "includeVars": True, "keepTime": True}
    return {
        "uid": f"ai-validation-{name}", "title": title, "description": description, "tags": ["ai-validation"],
        "schemaVersion": 42, "editable": False, "timezone": "utc", "refresh": "30s", "graphTooltip": 1,
        "time": {"from": "now-7d" if name == "business" else "now-6h" if name == "executive" else "now-1h", "to": "now"},
        "links": [link | {"title": "Dashboards", "tags": ["ai-validation"]}],
        "templating": {"list": [
            {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1,
             "current": {"text": "Prometheus", "value": "prometheus"}},
            variable("job", "Job", "label_values(http_requests_total, job)", allValue=".+"),
            variable("color", "Color", "label_values(http_requests_total, color)"),
        ]},
        "annotations": {"list": [
            {"name": "Deployments", "enable": True, "iconColor": "purple", "type": "tags",
             "datasource": {"type": "grafana", "uid": "-- Grafana --"},
             "target": {"limit": 100, "matchAny": False, "tags": ["deployment"], "type": "tags"}},
        ]},
        "panels": panels,
    }


def main():
    stale = []
    for name in DASHBOARDS:
        path = FOLDER / f"{name}.json"
        content = json.dumps(dashboard(name), indent=2, ensure_ascii=False) + "\n"
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_text() != content:
                stale.append(str(path))
        else:
            path.write_text(content)
    for path in stale:
        print(f"{path} is not what build.py writes: run it")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
