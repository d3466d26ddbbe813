/* expand.h - from a compact sample record to the full record of the API.
 *
 * A compact record keeps the facts only, one film a line; every key but id and title may be absent:
 *
 *     id, imdb, title, original_title, lang, date, runtime, budget, revenue, vote, votes, popularity,
 *     status ("Released"), homepage, tagline, overview
 *     genres, keywords, companies       lists of names
 *     countries, languages              lists of ISO codes
 *     collection                        [id, name]
 *     cast                              [[person id, name, character], ...] in order of billing
 *     crew                              [[person id, name, job], ...]
 *     reviews                           [[author, rating or null, "YYYY-MM-DD", text], ...]
 *
 * Ids of companies and keywords, credit ids and the like are made up from names, always the same. Names
 * of countries and languages, genre ids and departments come from TMDB's tables.
 */
#pragma once
#include "json.h"
#include "people.h"

/* A record without the API's "vote_average" and "credits" is a compact one. */
bool expand_is_compact(struct str line);

/* Count the people of a compact record, so that each is known for one department in every film. */
bool expand_people(struct str line, struct people *all, struct err *e) must_check;

/* The details with credits and keywords, and reviews if the record has any, as one object. */
bool expand_film(struct str line, const struct people *all, struct text *out, struct err *e) must_check;
