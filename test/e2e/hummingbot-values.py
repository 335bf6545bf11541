"""Carries values into the bot's own encrypted files by materialise.py, and reads them by the bot's login.

On standard input: `values`, each with the name of its shape; `shapes` of the keys; `fillers`, a value a
shape for the fields that nothing is left for; `hashRounds`, null for the bot's own million, which each
encrypted text names and the reader takes from there. For each value it says what refused it, or the SHA-256 of
what the bot has read; never a value.
"""
import hashlib
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, "/mnt")
import materialise as program

program.HERE = Path("/mnt")
GIVEN = program.RUN / "given"


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def give(entry, value, as_file):
    """As a file that a variable names, or as the variable itself, which cannot hold a NUL."""
    variable = entry["variable"]
    for name in (variable, variable + "_FILE"):
        os.environ.pop(name, None)
    raw = value.encode()
    if as_file or b"\0" in raw:
        path = GIVEN / entry["key"]
        path.write_bytes(raw)
        os.environ[variable + "_FILE"] = str(path)
    else:
        os.environb[variable.encode()] = raw


def reason_of(entry, value, as_file):
    """Why materialise.py refuses a value; None when it takes it."""
    give(entry, value, as_file)
    try:
        if entry is settings["keystore"]:
            program.password_of(settings)
        else:
            program.secret_of(entry)
    except program.Refused as error:
        return str(error).split(": got ", 1)[1].split(" in ", 1)[0]
    return None


def read_by_bot():
    """What the bot's own login finds, by key."""
    from hummingbot.client.config.config_crypt import ETHKeyFileSecretManger
    from hummingbot.client.config.security import Security

    password = (program.RUN / "password").read_text(encoding="utf-8")
    if not Security.login(ETHKeyFileSecretManger(password)):
        return {}
    found = Security.all_decrypted_values()
    read = {settings["keystore"]["key"]: digest(password)}
    for connector in settings["connectors"]:
        config = found[connector["connector"]]
        for entry in connector["secrets"]:
            read[entry["key"]] = digest(getattr(config, entry["field"]).get_secret_value())
    return read


asked = json.load(sys.stdin)
settings = program.read_settings()
program.use_hummingbot()
if asked["hashRounds"] is not None:
    from hummingbot.client.config import config_crypt

    config_crypt.get_default_work_factor_for_kdf = lambda _kdf: asked["hashRounds"]
GIVEN.mkdir()
entries = [entry for connector in settings["connectors"] for entry in connector["secrets"]]
entries.append(settings["keystore"])
by_shape = {}
for each in entries:
    by_shape.setdefault(asked["shapes"][each["key"]], each)

outcomes = []
waiting = {shape: [] for shape in by_shape}
for at, tried in enumerate(asked["values"]):
    reason = reason_of(by_shape[tried["shape"]], tried["value"], at % 2 == 0)
    outcomes.append({"refused": reason, "read": None})
    if reason is None:
        waiting[tried["shape"]].append(at)

while any(waiting.values()):
    carried = {}
    for entry in entries:
        shape = asked["shapes"][entry["key"]]
        if waiting[shape]:
            at = carried[entry["key"]] = waiting[shape].pop()
            give(entry, asked["values"][at]["value"], len(waiting[shape]) % 2 == 0)
        else:
            give(entry, asked["fillers"][shape], True)
    program.materialise(settings)
    read = read_by_bot()
    for key, at in carried.items():
        outcomes[at]["read"] = read.get(key)
# The bot may have printed.
print("\n" + json.dumps(outcomes), flush=True)
