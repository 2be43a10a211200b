"""The peer dlt with an HTTP source: its own `rest_api`, pages by offset, loaded as Parquet or by default."""

# mypy: ignore-errors
# It runs in the peers' environment, which the checkers do not see.

import json
import sys

import dlt
from dlt.sources.rest_api import rest_api_source


def main() -> None:
    url, target, page, columns, loader, folder = sys.argv[1:]
    paginator = {"type": "offset", "limit": int(page), "limit_param": "$limit", "offset_param": "$offset"}
    paginator |= {"total_path": None, "stop_after_empty_page": True}
    resource = {
        "name": "crashes",
        "endpoint": {"path": "", "paginator": paginator, "data_selector": "$"},
        "columns": json.loads(columns),
        "primary_key": "crash_record_id",
        "write_disposition": "replace",
    }
    pages = rest_api_source({"client": {"base_url": url}, "resources": [resource]})
    destination = dlt.destinations.postgres(target)
    pipeline = dlt.pipeline("peer", destination=destination, dataset_name="public", pipelines_dir=folder)
    pipeline.run(pages, loader_file_format=loader or None).raise_on_failed_jobs()


if __name__ == "__main__":  # its own processes import this again
    main()
