/* duck_parquet.h - Parquet for the lake's tests by DuckDB, without the engine layer between. */
#pragma once
#include "lake/lake.h"

/* DuckDB's library is the file that the variable CUPEL_DUCKDB names. It stays open until a is freed. */
bool duck_parquet_open(struct arena *a, struct lake_parquet *ret, struct err *e) must_check;
