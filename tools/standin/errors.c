#include "errors.h"

int error_body(struct text *out, int status)
{
    static const struct {
        int status, code;
        const char *message;
    } errors[] = {
        {400, 22, "Invalid page: Pages start at 1 and max at 500. They are expected to be an integer."},
        {401, 7, "Invalid API key: You must be granted a valid key."},
        {403, 45, "This user has been suspended."},
        {404, 34, "The resource you requested could not be found."},
        {405, 4, "Invalid format: This service doesn't exist in that format."},
        {422, 5, "Invalid parameters: Your request parameters are incorrect."},
        {429, 25, "Your request count (41) is over the allowed limit of 40."},
        {500, 11, "Internal error: Something went wrong, contact TMDb."},
        {502, 43, "Couldn't connect to the backend server."},
        {503, 9, "Service offline: This service is temporarily offline, try again later."},
        {504, 24, "Your request to the backend server timed out. Try again."},
    };
    size_t i = 0;
    while (i < countof(errors) && errors[i].status != status)
        i++;
    int code = i < countof(errors) ? errors[i].code : 11;
    const char *message = i < countof(errors) ? errors[i].message : "Internal error: Something went wrong.";
    text_addf(out, "{\"success\":false,\"status_code\":%d,\"status_message\":\"%s\"}", code, message);
    return status;
}
