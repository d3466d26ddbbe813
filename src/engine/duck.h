/* duck.h - libduckdb's C API, found at run time.
 *
 * The library is 70 MB and takes 10 ms to load, so nothing is linked with it: duck_load() opens it when SQL
 * is first needed and fills the table `duck`, which never changes afterwards. Code calls duck.prepare(...)
 * where the manual says duckdb_prepare(...). A function is used by adding its name here.
 */
#pragma once
#include <duckdb.h>

#include "base/err.h"

#define DUCK_VERSION "v1.5.5"

#define DUCK_CALLS(X)                                                                                        \
    X(array_type_array_size)                                                                                 \
    X(array_type_child_type)                                                                                 \
    X(bind_add_result_column)                                                                                \
    X(bind_get_extra_info)                                                                                   \
    X(bind_get_parameter)                                                                                    \
    X(bind_parameter_index)                                                                                  \
    X(bind_set_bind_data)                                                                                    \
    X(bind_set_error)                                                                                        \
    X(bind_value)                                                                                            \
    X(close)                                                                                                 \
    X(column_count)                                                                                          \
    X(column_logical_type)                                                                                   \
    X(column_name)                                                                                           \
    X(connect)                                                                                               \
    X(connection_get_arrow_options)                                                                          \
    X(create_bool)                                                                                           \
    X(create_config)                                                                                         \
    X(create_date)                                                                                           \
    X(create_double)                                                                                         \
    X(create_int64)                                                                                          \
    X(create_list_type)                                                                                      \
    X(create_list_value)                                                                                     \
    X(create_logical_type)                                                                                   \
    X(create_null_value)                                                                                     \
    X(create_scalar_function)                                                                                \
    X(create_table_function)                                                                                 \
    X(create_timestamp_tz)                                                                                   \
    X(create_varchar)                                                                                        \
    X(data_chunk_from_arrow)                                                                                 \
    X(data_chunk_get_column_count)                                                                           \
    X(data_chunk_get_size)                                                                                   \
    X(data_chunk_get_vector)                                                                                 \
    X(data_chunk_set_size)                                                                                   \
    X(data_chunk_to_arrow)                                                                                   \
    X(decimal_scale)                                                                                         \
    X(decimal_width)                                                                                         \
    X(destroy_arrow_converted_schema)                                                                        \
    X(destroy_arrow_options)                                                                                 \
    X(destroy_config)                                                                                        \
    X(destroy_data_chunk)                                                                                    \
    X(destroy_error_data)                                                                                    \
    X(destroy_logical_type)                                                                                  \
    X(destroy_prepare)                                                                                       \
    X(destroy_result)                                                                                        \
    X(destroy_scalar_function)                                                                               \
    X(destroy_table_function)                                                                                \
    X(destroy_value)                                                                                         \
    X(disconnect)                                                                                            \
    X(enum_dictionary_size)                                                                                  \
    X(enum_dictionary_value)                                                                                 \
    X(error_data_has_error)                                                                                  \
    X(error_data_message)                                                                                    \
    X(execute_prepared)                                                                                      \
    X(execute_prepared_streaming)                                                                            \
    X(fetch_chunk)                                                                                           \
    X(free)                                                                                                  \
    X(function_get_init_data)                                                                                \
    X(function_set_error)                                                                                    \
    X(get_int64)                                                                                             \
    X(get_type_id)                                                                                           \
    X(init_get_bind_data)                                                                                    \
    X(init_set_error)                                                                                        \
    X(init_set_init_data)                                                                                    \
    X(init_set_max_threads)                                                                                  \
    X(interrupt)                                                                                             \
    X(library_version)                                                                                       \
    X(list_type_child_type)                                                                                  \
    X(list_vector_get_child)                                                                                 \
    X(logical_type_get_alias)                                                                                \
    X(map_type_key_type)                                                                                     \
    X(map_type_value_type)                                                                                   \
    X(nparams)                                                                                               \
    X(open_ext)                                                                                              \
    X(prepare)                                                                                               \
    X(prepare_error)                                                                                         \
    X(prepared_statement_column_count)                                                                       \
    X(prepared_statement_column_logical_type)                                                                \
    X(prepared_statement_column_name)                                                                        \
    X(prepared_statement_type)                                                                               \
    X(query)                                                                                                 \
    X(register_scalar_function)                                                                              \
    X(register_table_function)                                                                               \
    X(result_error)                                                                                          \
    X(scalar_function_add_parameter)                                                                         \
    X(scalar_function_get_extra_info)                                                                        \
    X(scalar_function_set_error)                                                                             \
    X(scalar_function_set_extra_info)                                                                        \
    X(scalar_function_set_function)                                                                          \
    X(scalar_function_set_name)                                                                              \
    X(scalar_function_set_return_type)                                                                       \
    X(scalar_function_set_special_handling)                                                                  \
    X(scalar_function_set_volatile)                                                                          \
    X(schema_from_arrow)                                                                                     \
    X(set_config)                                                                                            \
    X(struct_type_child_count)                                                                               \
    X(struct_type_child_name)                                                                                \
    X(struct_type_child_type)                                                                                \
    X(struct_vector_get_child)                                                                               \
    X(table_function_add_parameter)                                                                          \
    X(table_function_set_bind)                                                                               \
    X(table_function_set_extra_info)                                                                         \
    X(table_function_set_function)                                                                           \
    X(table_function_set_init)                                                                               \
    X(table_function_set_name)                                                                               \
    X(to_arrow_schema)                                                                                       \
    X(union_type_member_count)                                                                               \
    X(union_type_member_name)                                                                                \
    X(union_type_member_type)                                                                                \
    X(validity_set_row_invalid)                                                                              \
    X(vector_assign_string_element)                                                                          \
    X(vector_ensure_validity_writable)                                                                       \
    X(vector_get_column_type)                                                                                \
    X(vector_get_data)                                                                                       \
    X(vector_get_validity)                                                                                   \
    X(vector_reference_vector)                                                                               \
    X(vector_size)

struct duck_calls {
#define DUCK_FIELD(name) typeof(duckdb_##name) *name;
    DUCK_CALLS(DUCK_FIELD)
#undef DUCK_FIELD
};
extern struct duck_calls duck;

/* Once per process, from any thread. Looks at $CUPEL_DUCKDB, then beside the program and in ../lib/cupel from
 * there, then at the place that the build was told. ERR_IO when there is none, or one of another version. */
bool duck_load(struct err *e) must_check;
