"""`storage:` in cupel.yaml: a lake on a real server, without a word of it in the environment; secrets stay where they are."""
import json
import subprocess

import pytest

from places import in_settings, place_of


class Shop:
    def __init__(self, place, server, folder, cupel_bin):
        self.bin, self.path = cupel_bin, folder / "shop"
        subprocess.run([cupel_bin, "init", str(self.path)], check=True, capture_output=True)
        self.yaml, self.dotenv, self.env = in_settings(place, server)
        self.write(self.yaml, self.dotenv)

    def write(self, yaml, dotenv):
        (self.path / "cupel.yaml").write_text("name: shop\nvars: {threshold: 10}\n" + yaml)
        (self.path / ".env").write_text(dotenv)

    def cupel(self, *args, code=0, **env):
        done = subprocess.run([self.bin, "-C", str(self.path), *args], env={**self.env, **env}, capture_output=True, text=True,
                              timeout=120)
        assert done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def rows(self, *args, **env):
        return json.loads(self.cupel("query", "-o", "json", "SELECT count(*) AS n FROM silver.orders", *args, **env))


@pytest.fixture
def shop(remote, request, tmp_path, cupel_bin):
    return Shop(remote, request.getfixturevalue(remote.kind), tmp_path, cupel_bin)


def test_a_project_says_where_its_lake_is(shop, remote, tmp_path):
    assert "success" in shop.cupel("run")
    assert remote.names("silver/orders/_delta_log") == [f"{0:020}.json"]
    assert not (shop.path / "lake").exists()
    assert shop.rows() == [{"n": 3}]
    uri = next(line.split()[1] for line in shop.yaml.splitlines() if line.startswith("lake:"))
    assert json.loads(shop.cupel("query", "-o", "json", f"SELECT count(*) AS n FROM delta.`{uri}/silver/orders`")) == [{"n": 3}]
    assert "silver/orders" in shop.cupel("tables", uri)
    assert any((tmp_path / "cache" / "objects").rglob("*")), "the cache is where it was said"


def test_an_environment_of_the_project_changes_a_part(shop):
    other = shop.yaml.replace("lake: ", "environments:\n  other:\n    lake: ").splitlines()[:3]
    other[2] += "/other"
    shop.write(shop.yaml + "\n".join(other) + "\n    storage: {timeout: 5s}\n", shop.dotenv)
    assert "success" in shop.cupel("-e", "other", "run")
    assert shop.rows("-e", "other") == [{"n": 3}] and shop.rows() == [{"n": 0}]


def test_secrets_of_s3_are_told_to_nobody(request, tmp_path, cupel_bin):
    server = request.getfixturevalue("s3")
    shop = Shop(place_of("s3", request, tmp_path), server, tmp_path, cupel_bin)
    shop.cupel("run")
    wrong = server.secret[::-1]
    shop.write(shop.yaml, f"LAKE_KEY={server.key}\nLAKE_SECRET={wrong}\n")
    said = shop.cupel("--json", "run", code=3) + shop.cupel("run", code=3) + shop.cupel("query", "SELECT * FROM silver.orders", code=3)
    assert "SignatureDoesNotMatch" in said and "storage.s3.secret_key" in said
    shop.write(shop.yaml, "LAKE_KEY=x\n")
    said += shop.cupel("validate")
    assert "'LAKE_SECRET' is not set: a run will need it" in said
    assert "there is no key for S3" in shop.cupel("run", code=3, AWS_ACCESS_KEY_ID=server.key, AWS_SECRET_ACCESS_KEY=server.secret)
    shop.write(shop.yaml.replace("${LAKE_SECRET}", wrong).replace("secret_key", "secret_kye"), f"LAKE_KEY={server.key}\n")
    said += shop.cupel("validate", code=2)
    assert "unknown key 'secret_kye' (did you mean 'secret_key'?)" in said
    assert server.secret not in said and wrong not in said
    for path in [*shop.path.rglob("*"), *server.folder.rglob("*")]:
        if path.is_file() and path.name != ".env" and path.name != "cupel.yaml":
            content = path.read_bytes()
            assert server.secret.encode() not in content and wrong.encode() not in content, path


def test_keys_in_dotenv_alone_are_enough(request, tmp_path, cupel_bin):
    server = request.getfixturevalue("s3")
    place = place_of("s3", request, tmp_path)
    shop = Shop(place, server, tmp_path, cupel_bin)
    shop.write(f"lake: {place.uri}\n", "".join(f"{k}={v}\n" for k, v in server.env.items()))
    assert "success" in shop.cupel("run", CUPEL_LAKE_CACHE=str(tmp_path / "cache"))
