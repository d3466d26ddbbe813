/* lib_data.h - the files inside libcupel-chart.so, each with a NUL behind it that is not counted. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define CHART_FILES(X)                                                                                       \
    X(host_js)      /* what a browser would give Vega, as bytecode */                                        \
    X(vega_js)      /* vega.min.js, as bytecode */                                                           \
    X(vega_lite_js) /* vega-lite.min.js, as bytecode */                                                      \
    X(kit_js)       /* defines chartKit(), as bytecode */                                                    \
    X(draw_js)      /* defines draw(), as bytecode */                                                        \
    X(theme)        /* theme.json */                                                                         \
    X(font_400)     /* Inter */                                                                              \
    X(font_600)                                                                                              \
    X(font_ext_400)                                                                                          \
    X(font_ext_600)

#define CHART_FILE(name)                                                                                     \
    extern const uint8_t chart_##name[] __attribute__((visibility("hidden")));                               \
    extern const size_t chart_##name##_len __attribute__((visibility("hidden")));
CHART_FILES(CHART_FILE)
#undef CHART_FILE
