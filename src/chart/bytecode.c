/* bytecode - a program of the build: compiles a JavaScript file to the bytecode of the engine that the build
 * links. Usage: bytecode IN.js OUT.jsc */
#include <quickjs.h>
#include <stdio.h>
#include <stdlib.h>

static char *read_file(const char *path, size_t *ret_n)
{
    FILE *f = fopen(path, "rb");
    long n = f && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    char *text = n >= 0 ? malloc((size_t)n + 1) : NULL;
    if (!text || fseek(f, 0, SEEK_SET) != 0 || fread(text, 1, (size_t)n, f) != (size_t)n) {
        perror(path);
        exit(1);
    }
    fclose(f);
    text[n] = '\0';
    *ret_n = (size_t)n;
    return text;
}

static void write_file(const char *path, const void *p, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(p, 1, n, f) != n || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bytecode IN.js OUT.jsc\n");
        return 2;
    }
    size_t n, code_n;
    char *text = read_file(argv[1], &n);
    JSRuntime *rt = JS_NewRuntime();
    JSContext *c = JS_NewContext(rt);
    JSValue v = JS_Eval(c, text, n, argv[1], JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(v)) {
        fprintf(stderr, "%s: %s\n", argv[1], JS_ToCString(c, JS_GetException(c)));
        return 1;
    }
    uint8_t *code = JS_WriteObject(
        c, &code_n, v, JS_WRITE_OBJ_BYTECODE | JS_WRITE_OBJ_STRIP_SOURCE | JS_WRITE_OBJ_STRIP_DEBUG);
    if (!code) {
        fprintf(stderr, "%s: cannot be written as bytecode\n", argv[1]);
        return 1;
    }
    write_file(argv[2], code, code_n);
    js_free(c, code);
    JS_FreeValue(c, v);
    JS_FreeContext(c);
    JS_FreeRuntime(rt);
    free(text);
    return 0;
}
