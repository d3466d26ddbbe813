#include "connector/connector.h"

#include <string.h>

#include "connector/http.h"

const struct connector *const connectors[] = {&connector_http, NULL};

const struct connector *connector_find(const char *name)
{
    for (const struct connector *const *c = connectors; *c; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}
