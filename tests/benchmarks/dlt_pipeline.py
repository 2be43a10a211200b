"""The peer dlt at its fastest found: rows read by connectorx, written as Parquet through ADBC."""

# mypy: ignore-errors
# It runs in the peers' environment, which the checkers do not see.

import json
import sys

import dlt
import pendulum
from dlt.sources.sql_database import sql_table

source, target, table, mode, since, folder = sys.argv[1:]
cursor = dlt.sources.incremental("updated_at", initial_value=pendulum.parse(since)) if since else None
rows = sql_table(credentials=source, table=table, backend="connectorx", incremental=cursor)
rows.apply_hints(table_name="flights", write_disposition=json.loads(mode), primary_key="id")
destination = dlt.destinations.postgres(target)
pipeline = dlt.pipeline("peer", destination=destination, dataset_name="public", pipelines_dir=folder)
pipeline.run(rows, loader_file_format="parquet").raise_on_failed_jobs()
