/* banned.h - functions that are a compile error here, each with what to use in its place.
 *
 * They are declared once more as unavailable: only a use of ours is refused, not a word of the same
 * spelling in somebody else's header, as poisoning would. Included by base.h.
 */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define banned(instead) __attribute__((unavailable("banned: use " instead)))

/* NOLINTBEGIN(readability-redundant-declaration) */
char *strcpy(char *, const char *) banned("struct buf or the arena");
char *strcat(char *, const char *) banned("struct buf or the arena");
int sprintf(char *, const char *, ...) banned("snprintf, buf_addf or arena_fmt");
char *strtok(char *, const char *) banned("strcspn and struct str");
char *gets(char *) banned("fs_read or fgets");
#ifndef __clang__ /* which does not take it after glibc's inline definition */
int atoi(const char *) banned("text_int");
#endif
struct tm *localtime(const time_t *) banned("civil_from_us");
int rand(void) banned("dice that are an argument");
int system(const char *) banned("a process with its own list of arguments");
/* NOLINTEND(readability-redundant-declaration) */

#undef banned
