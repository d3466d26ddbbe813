"""sentiment(text) against the reference implementation, vaderSentiment, to the fourth decimal."""
import json
import os
import random

import pytest
from vaderSentiment import vaderSentiment as vader

from conftest import shared

TEXTS = int(os.environ.get("SENTIMENT_TEXTS", "2000"))  # of 25,000 reviews


@pytest.fixture(scope="module")
def reference():
    return vader.SentimentIntensityAnalyzer()


@pytest.fixture(scope="module")
def scores(cupel, tmp_path_factory):
    """scores(sql): the rows of a query, each with a text and its score."""
    folder = tmp_path_factory.mktemp("sentiment")
    (folder / "cupel.yaml").write_text("name: sentiment\n")

    def rows(sql):
        lines = cupel(["query", "-o", "ndjson", f"SELECT text, sentiment(text) AS score FROM ({sql})"], folder).stdout
        return [json.loads(line) for line in lines.split("\n") if line]

    return rows


def differing(rows, reference):
    return [(r["text"], r["score"], want) for r in rows
            if r["score"] != (want := reference.polarity_scores(r["text"])["compound"])][:5]


def test_reviews_of_films(scores, reference):
    file = shared("data/reviews/imdb_train.csv.zst")
    rows = scores(f"SELECT review AS text FROM read_csv('{file}') ORDER BY hash(id) LIMIT {TEXTS}")
    assert len(rows) == min(TEXTS, 25000)
    assert differing(rows, reference) == []


def odd_texts(reference, n):
    """Words of all the rules' lists, in every case, with every punctuation, in any order."""
    dice = random.Random(20261121)
    lexicon, emojis = list(reference.lexicon), list(reference.emojis)
    others = [*vader.BOOSTER_DICT, *vader.NEGATE, *vader.SPECIAL_CASES, "so", "this", "doubt", "least", "at", "no", "or", "but",
              "kind", "of", "a", "the", "movie", "Straße", "ÉCOLE", "“don't", "x", "I", "!!!", "??", "?", ",", "...",
              "\u3000", "\u200b", "ǅ", "Σ", "中文", "1", "2!", "but,", "BUT", "Ⅷ"]
    for _ in range(n):
        words = []
        for _ in range(dice.randint(0, 12)):
            word = dice.choice(dice.choice([lexicon, lexicon, emojis, others, others, others]))
            word = dice.choice([str, str, str, str, str.upper, str.capitalize])(word)
            words += [dice.choice(["", "", "", "(", '"', "*"]), word, dice.choice(["", "", "", "!", "?", ".", ";", ")"]),
                      dice.choice([" ", " ", " ", " ", "\n", "", "\xa0", "  "])]
        yield "".join(words)


def test_odd_texts(scores, reference, tmp_path):
    texts = list(odd_texts(reference, 5000))
    file = tmp_path / "texts.ndjson"
    file.write_text("".join(json.dumps({"text": t}, ensure_ascii=False) + "\n" for t in texts))
    rows = scores(f"SELECT text FROM read_json('{file}', columns = {{text: 'VARCHAR'}}, format = 'newline_delimited')")
    assert sorted(r["text"] for r in rows) == sorted(texts)
    assert differing(rows, reference) == []
