"""The stand-in TMDB server, from outside: shapes, errors, faults, timing, the walk of days.

The program is the one that TMDB_STANDIN names, or build/tmdb-standin. Shapes are compared with recorded
answers of the real API where ../shared/data has them; the tests that need those are skipped where not.
"""

import collections
import concurrent.futures
import contextlib
import gzip
import http.client
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import time

import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("TMDB_STANDIN", str(ROOT / "build" / "tmdb-standin"))
SHARED = ROOT.parent / "shared" / "data" / "movies"
TMDB_5000 = SHARED / "tmdb_5000.ndjson.zst"

# Three films in the compact format of the sample, with all that it can say, some of it, and the least.
COMPACT = [
    {"id": 155, "imdb": "tt0468569", "title": "The \"Dark\" Knight", "lang": "en", "date": "2008-07-16",
     "runtime": 152, "budget": 185000000, "revenue": 1004558444, "vote": 8.5, "votes": 30619, "popularity": 118.4,
     "status": "Released", "genres": ["Drama", "Action"], "keywords": ["dc comics", "joker"],
     "companies": ["Warner Bros. Pictures"], "countries": ["US", "GB"], "languages": ["en", "zh"],
     "tagline": "Why?", "overview": "A bat.", "collection": [263, "The Dark Knight Collection"],
     "cast": [[3894, "Christian Bale", "Bruce Wayne / Batman"], [1810, "Heath Ledger", "Joker"]],
     "crew": [[525, "Christopher Nolan", "Director"], [525, "Christopher Nolan", "Screenplay"],
              [947, "Hans Zimmer", "Original Music Composer"]],
     "reviews": [["ann", 9.0, "2019-03-01", "Great 100% fun."], ["bob", None, "2019-03-02", "Fine."]]},
    {"id": 190859, "title": "American Sniper", "date": "2014-12-25", "vote": 7.4, "votes": 199, "popularity": 40,
     "cast": [[51329, "Bradley Cooper", "Chris Kyle"]], "crew": [[190, "Clint Eastwood", "Director"]]},
    {"id": 70, "title": "Million Dollar Baby", "original_title": "MDB", "date": "2004-12-05", "vote": 8.0,
     "votes": 9000, "popularity": 40, "cast": [[190, "Clint Eastwood", "Frankie Dunn"]],
     "crew": [[190, "Clint Eastwood", "Director"]]},
]


class Standin:
    """A running server."""

    def __init__(self, *args):
        if not os.access(PROGRAM, os.X_OK):
            pytest.fail(f"{PROGRAM} is not there: build it first, or set TMDB_STANDIN")
        self.process = subprocess.Popen([PROGRAM, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        self.line = self.process.stdout.readline()
        assert self.line.startswith("listening on http://127.0.0.1:"), self.process.stderr.read()
        self.url = self.line.split()[-1]
        self.port = int(self.url.split(":")[-1].split("/")[0])
        self.session = requests.Session()

    def get(self, path, **query):
        return self.session.get(self.url + path, params=query)

    def json(self, path, **query):
        answer = self.get(path, **query)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    def stats(self):
        return requests.get(f"http://127.0.0.1:{self.port}/stats").json()

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.errors = self.process.communicate(timeout=20)[1]
        self.session.close()
        return self.process.returncode


@contextlib.contextmanager
def standin(*args):
    server = Standin(*args)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            assert server.stop() == 0, server.errors


@pytest.fixture(scope="session")
def compact_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("feed") / "compact.jsonl"
    path.write_text("".join(json.dumps(film, ensure_ascii=False, separators=(",", ":")) + "\n" for film in COMPACT))
    return path


@pytest.fixture(scope="session")
def compact(compact_file):
    with standin("--data", compact_file) as server:
        yield server


def api_film(i, **more):
    """A record as the API has it, with the appended parts in the midst and at the end."""
    film = {"adult": False, "backdrop_path": None, "belongs_to_collection": None, "budget": i,
            "genres": [{"id": 18, "name": "Drama"}, {"id": 10769, "name": "Foreign"}], "homepage": "", "id": i,
            "imdb_id": None, "original_language": "en", "original_title": f"Film {i}", "overview": "é \\ \"",
            "popularity": round(i * 1.7 % 13 + 0.125, 6), "poster_path": None, "production_companies": [],
            "production_countries": [], "release_date": f"{1990 + i % 30}-0{1 + i % 9}-11", "revenue": 0,
            "runtime": 100, "spoken_languages": [], "status": "Released", "tagline": "", "title": f"Film {i}",
            "video": False, "vote_average": round(i * 0.7 % 10, 1), "vote_count": i * 37 % 500,
            "credits": {"cast": [{"cast_id": 1, "character": "x", "credit_id": "c", "gender": 1, "id": 1000 + i,
                                  "name": f"Actor {i}", "order": 0}],
                        "crew": [{"credit_id": "d", "department": "Sound", "gender": 2, "id": 5, "job": "Music",
                                  "name": "Anna \u00c5"}]},
            "keywords": {"keywords": [{"id": 1, "name": "one"}]}}
    film.update(more)
    return film


@pytest.fixture(scope="session")
def api_lines():
    reviews = {"page": 1, "results": [{"author": f"a{n}", "content": "c", "id": str(n)} for n in range(25)],
               "total_pages": 2, "total_results": 25}
    films = [api_film(i) for i in range(1, 46)]
    films.append({"id": 46, "credits": {"cast": [], "crew": []}, "title": "Amid", "videos": {"results": []},
                  "vote_average": 9.9, "popularity": 0.5, "reviews": reviews, "vote_count": 200,
                  "status": "Released", "release_date": "2030-01-01"})
    films.append(api_film(47, status="Rumored", release_date="2031-01-01", credits={}))
    return [json.dumps(f, ensure_ascii=False, separators=(",", ":")) for f in films]


@pytest.fixture(scope="session")
def api_file(tmp_path_factory, api_lines):
    path = tmp_path_factory.mktemp("feed") / "api.ndjson"
    path.write_text("\n".join(api_lines))
    return path


@pytest.fixture(scope="session")
def api(api_file):
    with standin("--data", api_file) as server:
        yield server


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    archive = SHARED / "tmdb_api_responses.tar.zst"
    if not archive.exists():
        pytest.skip("no recorded TMDB answers in ../shared/data/movies")
    to = tmp_path_factory.mktemp("recorded")
    subprocess.run(["tar", "--zstd", "-xf", archive, "-C", to], check=True)
    return lambda name: json.loads((to / "tmdb_api" / name).read_text())


def assert_same_shape(real, ours, where="$"):
    """The same keys in the same order and values of the same types, as deep as both go. A null is any type."""
    if real is None or ours is None:
        return
    if isinstance(real, (int, float)) and not isinstance(real, bool):
        assert isinstance(ours, (int, float)) and not isinstance(ours, bool), where
        return
    assert type(real) is type(ours), where
    if isinstance(real, dict):
        assert list(real) == list(ours), where
        for key in real:
            assert_same_shape(real[key], ours[key], f"{where}.{key}")
    if isinstance(real, list) and real and ours:
        assert_same_shape(real[0], ours[0], where + "[]")


@pytest.mark.parametrize("path, name", [
    ("/movie/popular", "jdrouet-tmdb-api/movie-popular.json"),
    ("/movie/top_rated", "jdrouet-tmdb-api/movie-top-rated.json"),
    ("/movie/now_playing", "jdrouet-tmdb-api/movie-now-playing.json"),
    ("/movie/popular", "c-eg-themoviedbapi/movie_lists/popular.json"),
    ("/movie/now_playing", "c-eg-themoviedbapi/movie_lists/now_playing.json"),
    ("/movie/155", "jdrouet-tmdb-api/movie-details.json"),
    ("/movie/155/credits", "jdrouet-tmdb-api/movie-credits.json"),
    ("/movie/155/keywords", "jdrouet-tmdb-api/movie-keywords.json"),
    ("/movie/155/reviews", "jdrouet-tmdb-api/movie-reviews.json"),
    ("/person/3894", "jdrouet-tmdb-api/person-details.json"),
    ("/person/525", "c-eg-themoviedbapi/people/details.json"),
    ("/genre/movie/list", "jdrouet-tmdb-api/genre-movie-list.json"),
])
def test_shape_is_that_of_a_recorded_answer(compact, recorded, path, name):
    assert_same_shape(recorded(name), compact.json(path))


def test_appended_parts_have_the_recorded_shape(compact, recorded):
    real = recorded("c-eg-themoviedbapi/movies/details_with_append_to_response.json")
    ours = compact.json("/movie/155", append_to_response="credits,keywords,reviews")
    for part in ("credits", "keywords", "reviews"):
        assert list(real[part]) == list(ours[part])
    assert_same_shape(real["credits"], ours["credits"])
    assert_same_shape(real["keywords"], ours["keywords"])
    assert_same_shape(recorded("moviebase-tmdb-kotlin/tmdb3/movie/movie_details_607.json")["reviews"], ours["reviews"])


def test_genre_list_is_the_recorded_one(compact, recorded):
    assert compact.json("/genre/movie/list") == recorded("jdrouet-tmdb-api/genre-movie-list.json")


def test_genres_of_the_feed_that_tmdb_dropped_are_explained(api):
    assert api.json("/genre/movie/list")["genres"][-1] == {"id": 10769, "name": "Foreign"}


def test_error_texts_are_the_recorded_ones(recorded):
    with standin("--key", "k", "--faults", "429@genres=1") as server:
        cases = [
            (server.get("/movie/155"), "adamayoung-TMDb/error-status-401.json"),
            (server.get("/movie/popular", page=501, api_key="k"), "adamayoung-TMDb/error-status-400.json"),
            (server.get("/movie/999999999", api_key="k"), "adamayoung-TMDb/error-status-response.json"),
            (server.get("/genre/movie/list", api_key="k"), "qalandarov-CMDb/ErrorResponse/error-response.json"),
        ]
    for answer, name in cases:
        real = recorded(name)
        assert answer.json() == {"success": False, **real}


ERRORS = {
    400: (22, "Invalid page: Pages start at 1 and max at 500. They are expected to be an integer."),
    401: (7, "Invalid API key: You must be granted a valid key."),
    404: (34, "The resource you requested could not be found."),
    405: (4, "Invalid format: This service doesn't exist in that format."),
    429: (25, "Your request count (41) is over the allowed limit of 40."),
}


def assert_error(answer, status):
    code, message = ERRORS[status]
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
    assert answer.text == f'{{"success":false,"status_code":{code},"status_message":"{message}"}}'


@pytest.mark.parametrize("path, status", [
    ("/movie/0", 404), ("/movie/1", 404), ("/movie/999999999", 404), ("/movie/abc", 404), ("/movie/", 404),
    ("/movie/155x", 404), ("/movie/155/nothing", 404), ("/movie/155/", 404), ("/person/1", 404), ("/person/x", 404),
    ("/movie/99999999999999999999", 404), ("/genre/list", 404), ("/", 404), ("/movie/1/reviews", 404),
    ("/movie/popular?page=0", 400), ("/movie/popular?page=-1", 400), ("/movie/top_rated?page=501", 400),
    ("/movie/now_playing?page=x", 400), ("/movie/popular?page=1.5", 400), ("/movie/popular?page=", 400),
    ("/movie/155/reviews?page=0", 400),
])
def test_errors_have_tmdbs_bodies(compact, path, status):
    assert_error(compact.session.get(compact.url + path), status)


def test_other_methods_are_refused_and_head_has_no_body(compact):
    assert_error(compact.session.post(compact.url + "/movie/155", data="x" * 100000), 405)
    assert_error(compact.session.delete(compact.url + "/movie/155"), 405)
    head = compact.session.head(compact.url + "/movie/155", headers={"Accept-Encoding": "identity"})
    assert head.status_code == 200 and head.content == b"" and int(head.headers["Content-Length"]) > 500


def test_nothing_outside_of_3_unless_asked_for(compact):
    base = f"http://127.0.0.1:{compact.port}"
    for path in ("/", "/stats", "/3", "/4/movie/155"):
        assert_error(requests.get(base + path), 404)


def test_key_in_query_or_header(compact_file):
    with standin("--data", compact_file, "--key", "s3cret") as server:
        url = server.url + "/movie/155"
        assert_error(requests.get(url), 401)
        assert_error(requests.get(url, params={"api_key": "wrong"}), 401)
        assert_error(requests.get(url, headers={"Authorization": "s3cret"}), 401)
        assert_error(requests.get(url, headers={"Authorization": "Bearer s3cret2"}), 401)
        assert_error(requests.get(server.url + "/no/such", params={"api_key": ""}), 401)
        assert requests.get(url, params={"api_key": "s3cret"}).json()["id"] == 155
        assert requests.get(url, headers={"Authorization": "Bearer s3cret"}).json()["id"] == 155


def test_first_line_ports_and_signals(compact_file):
    with standin("--data", compact_file, "--port", 0) as first:
        assert first.line == f"listening on http://127.0.0.1:{first.port}/3\n"
        taken = subprocess.run([PROGRAM, "--port", str(first.port)], capture_output=True, text=True, timeout=10)
        assert taken.returncode == 2 and taken.stdout == ""
        assert taken.stderr == f"tmdb-standin: error: cannot listen on 127.0.0.1:{first.port}: Address already in use\n"
        assert first.stop(signal.SIGINT) == 0
    with standin("--data", compact_file, f"--port={first.port}") as again:
        assert again.port == first.port and again.stop(signal.SIGTERM) == 0


def test_ends_at_once_though_answers_are_due(compact_file):
    with standin("--data", compact_file, "--latency", 60000) as server:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            waiting = [pool.submit(requests.get, server.url + "/movie/155") for _ in range(5)]
            time.sleep(0.3)
            began = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began < 5
            for w in waiting:
                w.exception()  # answered or cut off, either will do


@pytest.mark.parametrize("args, message", [
    (["--prot", "1"], "unknown option '--prot' (see --help)"),
    (["x"], "unknown option 'x' (see --help)"),
    (["--port"], "--port needs a value"),
    (["--port", "65536"], "--port: '65536' is not a number from 0 to 65535"),
    (["--latency", "5s"], "--latency: '5s' is not a number from 0 to 600000"),
    (["--stats=1"], "--stats takes no value"),
    (["--date", "2024-02-30"], "--date: '2024-02-30' is not a day like 2024-01-31"),
    (["--data", "/nowhere.json"], "cannot open '/nowhere.json': No such file or directory"),
    (["--faults", "oops=1"], "--faults: unknown kind of fault 'oops' (see --help)"),
    (["--faults", "cut@films=1"], "--faults: unknown route 'films' (see --help)"),
    (["--faults", "cut"], "--faults: 'cut': a fault is kind[@route]=rate[:param]"),
    (["--faults", "cut=1.5"], "--faults: 'cut': a rate is a number from 0 to 1"),
    (["--faults", "slow=0.5:x"], "--faults: 'slow': the parameter is a whole number"),
    (["--faults", "cut=0.5,cut=0.1"], "--faults: fault 'cut' is given twice"),
    (["--faults", "cut@movie=0.6,reset=0.5"], "--faults: the rates of 'movie' add up to 1.1, more than 1"),
    (["--faults", "expire=no"], "--faults: expire takes a number of requests"),
    (["--faults", "600=0.1"], "--faults: unknown kind of fault '600' (see --help)"),
])
def test_wrong_command_lines(args, message):
    run = subprocess.run([PROGRAM, *args], capture_output=True, text=True, timeout=10)
    assert (run.returncode, run.stdout, run.stderr) == (2, "", f"tmdb-standin: error: {message}\n")


def test_help_names_every_fault():
    text = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
    for word in ("--port", "--faults", "--seed", "burst", "cut", "cutchunk", "garbage", "reset", "slow", "stall",
                 "dupe", "expire=N", "now_playing"):
        assert word in text


@pytest.mark.parametrize("line, message", [
    ('{"id":1,"title":"a","credits":{}', "unbalanced brackets"),
    ('{"id":1,"title":"a', "unterminated string"),
    ('{"id":1 "title":"a","vote_average":1}', "expected a comma"),
    ('{"id":1,,"title":"a","vote_average":1}', "expected a key in quotes"),
    ('{"id":1,"title":"a","vote_average":1,}', "expected a key in quotes"),
    ('{"id":1,"title":"a","cast":[[1,"a","b"],]}', "cast: expected a value"),
    ('[1]', "expected an object"),
    ('{"id":1,"title":"a","vote_average":1} x', "text after the record"),
    ('{"title":"a","vote_average":1}', "a record without an id"),
    ('{"id":1,"titel":"a"}', "unknown key 'titel'"),
    ('{"id":1}', "a film needs an id and a title"),
    ('{"id":1,"title":"a","cast":[["x"]]}', 'a credit is [id, "name", "character"]'),
    ('{"id":7,"title":"b"}', "film 7 is in the feed twice"),
])
def test_a_wrong_feed_is_refused_with_its_line(tmp_path, line, message):
    feed = tmp_path / "feed.jsonl"
    feed.write_text('{"id":7,"title":"a"}\n\n' + line + "\n")
    run = subprocess.run([PROGRAM, "--data", feed], capture_output=True, text=True, timeout=10)
    assert run.returncode == 2
    assert run.stderr.startswith(f"tmdb-standin: error: {feed}:3: ") and message in run.stderr


def test_a_cut_off_zstd_feed_is_refused(tmp_path, compact_file):
    packed = subprocess.run(["zstd", "-c", compact_file], capture_output=True, check=True).stdout
    (tmp_path / "feed.zst").write_bytes(packed[:-20])
    run = subprocess.run([PROGRAM, "--data", tmp_path / "feed.zst"], capture_output=True, text=True)
    assert run.returncode == 2 and "zstd" in run.stderr


def test_compact_film_expanded(compact):
    film = compact.json("/movie/155")
    companies = film.pop("production_companies")
    assert film == {
        "adult": False, "backdrop_path": None,
        "belongs_to_collection": {"id": 263, "name": "The Dark Knight Collection", "poster_path": None,
                                  "backdrop_path": None},
        "budget": 185000000, "genres": [{"id": 18, "name": "Drama"}, {"id": 28, "name": "Action"}], "homepage": "",
        "id": 155, "imdb_id": "tt0468569", "original_language": "en", "original_title": "The \"Dark\" Knight",
        "overview": "A bat.", "popularity": 118.4, "poster_path": None,
        "production_countries": [{"iso_3166_1": "US", "name": "United States of America"},
                                 {"iso_3166_1": "GB", "name": "United Kingdom"}],
        "release_date": "2008-07-16", "revenue": 1004558444, "runtime": 152,
        "spoken_languages": [{"english_name": "English", "iso_639_1": "en", "name": "English"},
                             {"english_name": "Mandarin", "iso_639_1": "zh", "name": "普通话"}],
        "status": "Released", "tagline": "Why?", "title": "The \"Dark\" Knight", "video": False, "vote_average": 8.5,
        "vote_count": 30619}
    assert companies[0]["name"] == "Warner Bros. Pictures" and companies[0]["id"] > 0
    least = compact.json("/movie/190859")
    assert least["belongs_to_collection"] is None and least["genres"] == [] and least["budget"] == 0


def test_compact_credits(compact):
    credits = compact.json("/movie/155/credits")
    assert [(c["order"], c["id"], c["character"]) for c in credits["cast"]] == [
        (0, 3894, "Bruce Wayne / Batman"), (1, 1810, "Joker")]
    assert [(c["name"], c["department"], c["job"]) for c in credits["crew"]] == [
        ("Christopher Nolan", "Directing", "Director"), ("Christopher Nolan", "Writing", "Screenplay"),
        ("Hans Zimmer", "Sound", "Original Music Composer")]
    ids = [c["credit_id"] for c in credits["cast"] + credits["crew"]]
    assert len(set(ids)) == 5 and all(len(i) == 24 and int(i, 16) for i in ids)


def test_compact_reviews(compact):
    reviews = compact.json("/movie/155/reviews")
    assert (reviews["id"], reviews["page"], reviews["total_pages"], reviews["total_results"]) == (155, 1, 1, 2)
    ann, bob = reviews["results"]
    assert ann["author_details"] == {"name": "", "username": "ann", "avatar_path": None, "rating": 9.0}
    assert ann["content"] == "Great 100% fun." and ann["created_at"].startswith("2019-03-01T")
    assert ann["url"] == "https://www.themoviedb.org/review/" + ann["id"] and len(ann["id"]) == 24
    assert bob["author_details"]["rating"] is None and bob["id"] != ann["id"]


def test_people_agree_in_all_films(compact):
    eastwood = compact.json("/person/190")
    assert eastwood["known_for_department"] == "Directing"
    for film in (190859, 70):
        for credit in compact.json(f"/movie/{film}", append_to_response="credits")["credits"]["crew"]:
            assert {k: credit[k] for k in ("name", "popularity", "known_for_department", "gender")} == {
                k: eastwood[k] for k in ("name", "popularity", "known_for_department", "gender")}


def test_built_in_films_are_there():
    with standin() as server:
        first = server.json("/movie/popular")
        assert first["total_results"] >= 1 and first["results"][0]["id"] > 0
        film = server.json(f"/movie/{first['results'][0]['id']}", append_to_response="credits,keywords,reviews")
        assert film["title"] and film["credits"]["cast"]


def bare(line):
    """The line without the parts, as bytes; they are its last two members."""
    return line[:line.index(',"credits"')] + "}"


def test_api_records_are_served_byte_for_byte(api, api_lines):
    line = api_lines[3]
    assert api.get("/movie/4").text == bare(line)
    assert api.get("/movie/4", append_to_response="credits,keywords").text == line
    credits = line[line.index('"credits":') + 10:line.index(',"keywords"')]
    assert api.get("/movie/4/credits").text == '{"id":4,' + credits[1:]


@pytest.mark.parametrize("asked, got", [
    ("", []), ("credits", ["credits"]), ("keywords,credits", ["keywords", "credits"]),
    ("reviews,credits,keywords", ["reviews", "credits", "keywords"]), ("credits,credits", ["credits"]),
    ("images,keywords,,nothing", ["keywords"]),
])
def test_append_to_response(api, api_lines, asked, got):
    plain = list(json.loads(bare(api_lines[0])))
    assert list(api.json("/movie/1", append_to_response=asked)) == plain + got


def test_parts_amid_a_record_are_taken_out(api):
    plain = ["id", "title", "vote_average", "popularity", "vote_count", "status", "release_date"]
    assert list(api.json("/movie/46")) == plain
    film = api.json("/movie/46", append_to_response="reviews,credits,keywords")
    assert list(film) == plain + ["reviews", "credits", "keywords"]
    assert film["keywords"] == {"keywords": []} and film["credits"] == {"cast": [], "crew": []}
    assert api.json("/movie/47/credits") == {"id": 47}


def test_review_pages(api):
    pages = [api.json("/movie/46/reviews", page=n) for n in (1, 2, 3)]
    assert [p["page"] for p in pages] == [1, 2, 3]
    assert [[int(r["id"]) for r in p["results"]] for p in pages] == [list(range(20)), list(range(20, 25)), []]
    assert all((p["total_pages"], p["total_results"]) == (2, 25) for p in pages)
    assert len(api.json("/movie/46", append_to_response="reviews")["reviews"]["results"]) == 20


def test_person_of_api_records(api):
    assert api.json("/person/1004") == {
        "adult": False, "also_known_as": [], "biography": "", "birthday": None, "deathday": None, "gender": 1,
        "homepage": None, "id": 1004, "imdb_id": None, "known_for_department": "Acting", "name": "Actor 4",
        "place_of_birth": None, "popularity": api.json("/person/1004")["popularity"], "profile_path": None}
    assert api.json("/person/5")["known_for_department"] == "Sound"
    assert api.json("/person/5")["name"] == "Anna \u00c5"


def all_pages(server, name):
    first = server.json(f"/movie/{name}")
    pages = [first] + [server.json(f"/movie/{name}", page=n) for n in range(2, first["total_pages"] + 1)]
    assert [p["page"] for p in pages] == list(range(1, len(pages) + 1))
    assert all(len(p["results"]) == 20 for p in pages[:-1])
    results = [film for p in pages for film in p["results"]]
    assert len(results) == first["total_results"]
    past = server.json(f"/movie/{name}", page=first["total_pages"] + 1)
    assert past["results"] == [] and past["total_results"] == first["total_results"]
    return results


def test_lists(api, api_lines):
    films = {f["id"]: f for f in map(json.loads, api_lines)}

    def order(key, keep=lambda f: True):
        return [f["id"] for f in sorted(filter(keep, films.values()), key=lambda f: (key(f), f["id"]))]

    popular = all_pages(api, "popular")
    assert [f["id"] for f in popular] == order(lambda f: -f["popularity"])
    assert [f["id"] for f in all_pages(api, "top_rated")] == order(
        lambda f: (f["vote_count"] < 200, -f["vote_average"]))
    released = order(lambda f: [-int(n) for n in f["release_date"].split("-")], lambda f: f["status"] == "Released")
    assert [f["id"] for f in all_pages(api, "now_playing")] == released
    assert api.json("/movie/now_playing")["dates"] == {
        "maximum": "2030-01-01", "minimum": films[released[-1]]["release_date"]}
    for item in popular:
        film = films[item["id"]]
        assert item["genre_ids"] == [g["id"] for g in film.get("genres", [])]
        assert all(item[k] == film[k] for k in ("title", "popularity", "vote_average", "vote_count", "release_date"))


def test_gzip_when_accepted(api):
    def ask(path, encoding):
        c = http.client.HTTPConnection("127.0.0.1", api.port)
        c.request("GET", "/3" + path, headers={"Accept-Encoding": encoding} if encoding else {})
        answer = c.getresponse()
        return answer.getheader("Content-Encoding"), answer.read()

    for path in ("/movie/popular", "/movie/4?append_to_response=credits", "/movie/46/reviews", "/genre/movie/list"):
        plain = ask(path, None)
        assert plain[0] is None
        for encoding in ("gzip", "deflate, gzip, br", "gzip;q=0.5"):
            packed = ask(path, encoding)
            assert packed[0] == "gzip" and gzip.decompress(packed[1]) == plain[1] and len(packed[1]) < len(plain[1])
        assert ask(path, "gzip;q=0") == plain and ask(path, "br") == plain


def on(feed, day, *paths):
    with standin("--data", feed, "--date", day) as server:
        return [server.json(p) for p in paths]


def test_walk_starts_from_the_record(api_file, api):
    a, b = on(api_file, "2024-01-01", "/movie/4", "/movie/popular")
    real = api.json("/movie/4")
    assert a == {**real, "popularity": round(real["popularity"], 3)}
    assert [f["id"] for f in b["results"]] == [f["id"] for f in api.json("/movie/popular")["results"]]


def test_walk_is_a_pure_function_of_the_day(api_file):
    assert on(api_file, "2025-05-05", "/movie/popular", "/movie/7") == on(
        api_file, "2025-05-05", "/movie/popular", "/movie/7")


def test_walk_is_smooth_and_votes_only_grow(compact_file):
    days = ["2023-12-30", "2023-12-31"] + [f"2024-{m:02}-{d:02}" for m in (1, 2, 3) for d in range(1, 29)]
    seen = [on(compact_file, day, "/movie/155", "/movie/190859") for day in days]
    for films in zip(*seen):
        votes = [f["vote_count"] for f in films]
        assert votes == sorted(votes) and votes[-1] > votes[0]
        steps = [abs(b["popularity"] / a["popularity"] - 1) for a, b in zip(films, films[1:])]
        assert 0 < max(steps) < 0.2
        spread = max(f["popularity"] for f in films) / min(f["popularity"] for f in films)
        assert spread > 1.1
        assert max(abs(a["vote_average"] - b["vote_average"]) for a, b in zip(films, films[1:])) < 0.1
        assert all(0 <= f["vote_average"] <= 10 for f in films)


def test_lists_follow_the_walk(api_file):
    popular, top, now, one = on(api_file, "2026-06-01", "/movie/popular", "/movie/top_rated", "/movie/now_playing",
                                "/movie/4")
    figures = [f["popularity"] for f in popular["results"]]
    assert figures == sorted(figures, reverse=True)
    ranks = [(f["vote_count"] < 200, -f["vote_average"]) for f in top["results"]]
    assert ranks == sorted(ranks)
    assert now["dates"]["maximum"] == "2026-06-01"
    assert all(f["release_date"] <= "2026-06-01" for f in now["results"])
    shown = {f["id"]: f for f in popular["results"]}
    if 4 in shown:
        assert all(shown[4][k] == one[k] for k in ("popularity", "vote_average", "vote_count"))


@pytest.fixture(scope="session")
def tmdb_5000():
    if not TMDB_5000.exists():
        pytest.skip("no TMDB 5000 in ../shared/data/movies")
    text = subprocess.run(["zstd", "-dc", TMDB_5000], capture_output=True, check=True).stdout.decode()
    began = time.monotonic()
    with standin("--data", TMDB_5000) as server:
        server.load_seconds = time.monotonic() - began
        yield server, text.splitlines()


def test_tmdb_5000_is_served_as_it_is(tmdb_5000):
    server, lines = tmdb_5000
    for line in lines[::97]:
        film = json.loads(line)
        assert server.get(f"/movie/{film['id']}", append_to_response="credits,keywords").text == line
    assert server.load_seconds < 5  # 0.25 s as a rule; a sanitizer takes its time


def test_tmdb_5000_lists_and_people(tmdb_5000):
    server, lines = tmdb_5000
    films = [json.loads(line) for line in lines]
    first = server.json("/movie/popular")
    assert (first["total_pages"], first["total_results"]) == (241, 4803)
    assert [f["id"] for f in first["results"]] == [
        f["id"] for f in sorted(films, key=lambda f: (-f["popularity"], f["id"]))[:20]]
    assert server.json("/movie/now_playing")["total_pages"] == 100
    for film in films[::500]:
        for member in film["credits"]["cast"][:3]:
            assert server.json(f"/person/{member['id']}")["id"] == member["id"]


def test_made_up_reviews_fit_the_votes(tmdb_5000):
    server, lines = tmdb_5000
    counts, ratings = collections.Counter(), {"good": [], "bad": []}
    for line in lines[::11]:
        film = json.loads(line)
        reviews = server.json(f"/movie/{film['id']}/reviews")
        assert reviews == server.json(f"/movie/{film['id']}/reviews")
        counts[reviews["total_results"]] += 1
        kind = "good" if film["vote_average"] >= 7 else "bad" if 0 < film["vote_average"] < 5.5 else None
        for review in reviews["results"]:
            assert review["content"].endswith(".") and "%s" not in review["content"]
            if kind and review["author_details"]["rating"]:
                ratings[kind].append(review["author_details"]["rating"])
    assert set(counts) == {0, 1, 2, 3}
    assert statistics.mean(ratings["good"]) > statistics.mean(ratings["bad"]) + 1.5


def attempt(session, url):
    """What a client makes of one request: a status, or the name of what went wrong."""
    try:
        answer = session.get(url, timeout=5)
    except requests.exceptions.ChunkedEncodingError:
        return "cut"
    except requests.exceptions.ConnectionError as error:
        return "reset" if "Connection reset" in str(error) else repr(error)
    if answer.status_code != 200:
        return answer.status_code
    try:
        return 200 if list(json.loads(answer.content.decode())) else "garbage"
    except (ValueError, UnicodeDecodeError):
        return "garbage"


@pytest.mark.parametrize("kind, seen", [
    ("500", 500), ("503", 503), ("429", 429), ("404", 404), ("401", 401), ("cut", "cut"), ("cutchunk", "cut"),
    ("garbage", "garbage"), ("reset", "reset"),
])
def test_rates(compact_file, kind, seen):
    n, rate = 600, 0.2
    with standin("--data", compact_file, "--faults", f"{kind}={rate}", "--seed", 4, "--stats") as server:
        outcomes = collections.Counter(attempt(server.session, server.url + "/movie/155") for _ in range(n))
        stats = server.stats()
    assert set(outcomes) == {200, seen}
    assert abs(outcomes[seen] / n - rate) < 0.05
    assert stats["faults"] == {kind: outcomes[seen]} and stats["requests"] == n


def test_rules_share_the_die_and_keep_to_their_routes(compact_file):
    spec = "500=0.1,503@movie=0.2,404@person=0.9,502@lists=0.5"
    with standin("--data", compact_file, "--faults", spec) as server:
        seen = {path: collections.Counter(attempt(server.session, server.url + path) for _ in range(400))
                for path in ("/movie/155", "/person/190", "/movie/popular", "/genre/movie/list")}
    assert set(seen["/movie/155"]) == {200, 500, 503} and abs(seen["/movie/155"][503] - 80) < 25
    assert set(seen["/person/190"]) == {404, 500} and abs(seen["/person/190"][404] - 360) < 25
    assert abs(seen["/movie/popular"][502] - 200) < 35 and abs(seen["/genre/movie/list"][500] - 40) < 20


def test_the_seed_decides(compact_file):
    def sequence(seed):
        with standin("--data", compact_file, "--faults", "500=0.3,garbage=0.2", "--seed", seed) as server:
            return [(a.status_code, a.content) for a in (server.get("/movie/70") for _ in range(60))]

    assert sequence(1) == sequence(1) != sequence(2)


def test_429_says_how_long_to_wait(compact_file):
    with standin("--data", compact_file, "--faults", "429@movie=1:7") as server:
        answer = server.get("/movie/155")
        assert_error(answer, 429)
        assert answer.headers["Retry-After"] == "7" and answer.headers["X-RateLimit-Limit"] == "40"
        assert answer.headers["X-RateLimit-Remaining"] == "0"
        assert abs(int(answer.headers["X-RateLimit-Reset"]) - time.time() - 7) < 3


def test_bursts_come_in_a_row(compact_file):
    with standin("--data", compact_file, "--faults", "burst=0.02:8", "--seed", 3) as server:
        statuses = "".join("x" if server.get("/movie/155").status_code == 429 else "." for _ in range(500))
    runs = [len(run) for run in statuses.strip("x").replace(".", " ").split()]
    assert runs and all(run % 8 == 0 for run in runs)


def test_the_key_expires(compact_file):
    with standin("--data", compact_file, "--key", "k", "--faults", "expire=5") as server:
        statuses = [server.get("/movie/155", api_key="k").status_code for _ in range(8)]
    assert statuses == [200] * 5 + [401] * 3


def raw(port, path="/3/movie/155"):
    """Everything that comes back on a connection of our own, and how it ended."""
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.settimeout(5)
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        data = b""
        try:
            while piece := s.recv(65536):
                data += piece
        except ConnectionResetError:
            return data, "reset"
        return data, "end"


def test_cut_promises_more_than_it_sends(compact_file):
    with standin("--data", compact_file, "--faults", "cut=1") as server:
        data, how = raw(server.port)
    head, _, body = data.partition(b"\r\n\r\n")
    promised = int(head.lower().split(b"content-length: ")[1].split()[0])
    assert how == "end" and len(body) == promised // 2


def test_cutchunk_has_no_last_chunk(compact_file):
    with standin("--data", compact_file, "--faults", "cutchunk=1") as server:
        bodies = [raw(server.port) for _ in range(12)]
        whole = json.dumps(COMPACT[0]["title"]).encode()
    assert all(how == "end" and b"chunked" in data and not data.endswith(b"0\r\n\r\n") for data, how in bodies)
    complete = [data.rstrip().endswith(b'"vote_count":30619}') for data, _ in bodies]
    assert any(complete) and not all(complete) and whole in bodies[0][0]


def test_reset_is_a_reset_and_nothing_before_it(compact_file):
    with standin("--data", compact_file, "--faults", "reset=1") as server:
        assert [raw(server.port) for _ in range(5)] == [(b"", "reset")] * 5


def test_garbage_takes_all_its_forms(compact_file, compact):
    right = compact.get("/movie/155").content
    with standin("--data", compact_file, "--faults", "garbage=1") as server:
        forms = collections.Counter()
        for _ in range(60):
            answer = server.get("/movie/155")
            assert answer.status_code == 200
            body = answer.content
            if body == b"":
                forms["empty"] += 1
            elif body.startswith(b"<html>"):
                forms["html"] += 1
                assert answer.headers["Content-Type"] == "text/html"
            elif body == right + right:
                forms["two"] += 1
            elif b"\xff" in body:
                forms["utf8"] += 1
            else:
                forms["half"] += body == right[:len(right) // 2]
    assert set(forms) == {"empty", "html", "two", "utf8", "half"} and sum(forms.values()) == 60


def test_dupe_doubles_a_film_of_a_page(api_file):
    with standin("--data", api_file, "--faults", "dupe=1") as server:
        ids = [f["id"] for f in server.json("/movie/popular")["results"]]
        assert len(ids) == 20 and len(set(ids)) == 19 and ids[0] == ids[-1]
        assert server.json("/movie/4")["id"] == 4


def test_slow_and_stall(compact_file):
    with standin("--data", compact_file, "--faults", "slow@movie=1:300,stall@person=1:300") as server:
        began = time.monotonic()
        assert server.get("/movie/155").status_code == 200
        assert 0.3 <= time.monotonic() - began < 0.6
        c = http.client.HTTPConnection("127.0.0.1", server.port)
        began = time.monotonic()
        c.request("GET", "/3/person/190")
        answer = c.getresponse()
        assert time.monotonic() - began < 0.2  # the headers are here
        assert json.loads(answer.read())["id"] == 190
        assert 0.3 <= time.monotonic() - began < 0.6


def test_latency_is_exact(compact_file):
    def client(server):
        c = http.client.HTTPConnection("127.0.0.1", server.port)
        c.connect()
        c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        times = []
        for _ in range(40):
            began = time.perf_counter()
            c.request("GET", "/3/movie/155")
            c.getresponse().read()
            times.append((time.perf_counter() - began) * 1000)
        return times

    with standin("--data", compact_file, "--latency", 50, "--stats") as server:
        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            times = [t for run in pool.map(client, [server] * 5) for t in run]
        stats = server.stats()
    assert min(times) >= 50 and statistics.median(times) < 52
    assert stats["max_in_flight"] == 5 and stats["in_flight"] == 0
    assert stats["connections"] == 6  # five clients that kept theirs, and this question


def test_clients_that_hang_up_leave_nothing_behind(compact_file):
    with standin("--data", compact_file, "--latency", 50, "--faults", "stall=0.3:100", "--stats") as server:
        for _ in range(100):
            with socket.create_connection(("127.0.0.1", server.port)) as s:
                s.sendall(b"GET /3/movie/155 HTTP/1.1\r\nHost: x\r\n\r\n")
        deadline = time.monotonic() + 5
        while server.stats()["in_flight"] and time.monotonic() < deadline:
            time.sleep(0.02)
        stats = server.stats()
        assert stats["requests"] == 100 and stats["in_flight"] == 0
        assert server.json("/movie/155")["id"] == 155


def test_stats(compact_file):
    with standin("--data", compact_file, "--stats", "--key", "k") as server:
        for path in ("/movie/155", "/movie/70", "/movie/1", "/movie/popular", "/nothing"):
            server.get(path, api_key="k")
        server.get("/person/190")
        stats = server.stats()
        assert stats["requests"] == 6
        assert {k: n for k, n in stats["by_route"].items() if n} == {"movie": 3, "popular": 1, "other": 1, "person": 1}
        assert stats["by_status"] == {"200": 3, "401": 1, "404": 2}
        assert stats["max_in_any_second"] == 6 and stats["max_in_flight"] == 1
        assert stats["last_ns"] > stats["first_ns"]

        requests.post(f"http://127.0.0.1:{server.port}/stats/reset")
        assert server.stats()["requests"] == 0 and server.stats()["max_in_any_second"] == 0
        server.get("/movie/155", api_key="k")
        assert server.stop() == 0 and json.loads(server.errors)["requests"] == 1


def test_most_requests_in_any_second(compact_file):
    with standin("--data", compact_file, "--stats") as server:
        for _ in range(3):  # nine in less than a second, but in no second of the calendar's need
            for _ in range(3):
                server.get("/movie/155")
            time.sleep(0.2)
        time.sleep(1.1)
        for _ in range(4):
            server.get("/movie/155")
        assert server.stats()["max_in_any_second"] == 9
    with standin("--data", compact_file, "--stats") as server:
        for _ in range(8):
            server.get("/movie/155")
            time.sleep(0.26)
        assert server.stats()["max_in_any_second"] == 4


def test_threads_answer_the_same(compact_file, compact):
    with standin("--data", compact_file, "--threads", 4, "--latency", 5, "--stats") as server:
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            urls = [server.url + p for p in ("/movie/155", "/movie/popular", "/movie/155/reviews", "/person/190")] * 50
            texts = list(pool.map(lambda u: requests.get(u).text, urls))
        assert texts == [compact.get(u[len(server.url):]).text for u in urls]
        assert server.stats()["requests"] == 200
