/* local.h - the store on a local disk, or on any file system that is mounted. */
#pragma once
#include "store/store.h"

extern const struct store_driver store_local;
