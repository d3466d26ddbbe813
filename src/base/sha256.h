/* sha256.h - SHA-256 (FIPS 180-4): what S3 wants of every body it is sent, and names of cached files. */
#pragma once
#include "base/base.h"

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;
    unsigned char block[64];
};

void sha256_init(struct sha256 *h);
void sha256_add(struct sha256 *h, const void *p, size_t n);
/* 64 hex digits and a NUL. Returns out. */
char *sha256_hex(struct sha256 *h, char out[65]);
