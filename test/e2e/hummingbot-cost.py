"""What materialising costs, beside the bot's own encrypting and decrypting of the same fields.

Both in one process and in turns, so that a busy machine is busy for both. Imports are done before.
Time of all processors too: connectors are encrypted side by side, which hides work from a clock.
"""
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, "/mnt")
import materialise as program

program.HERE = Path("/mnt")

from hummingbot.client.config.config_crypt import ETHKeyFileSecretManger


def seconds(work):
    begun = (time.perf_counter(), time.process_time())
    work()
    return {"clock": time.perf_counter() - begun[0], "processors": time.process_time() - begun[1]}


def own_work():
    """What the bot cannot do without: each field encrypted once and decrypted once."""
    manager = ETHKeyFileSecretManger(program.password_of(settings))
    for fields in values.values():
        for field, value in fields.items():
            encrypted = manager.encrypt_secret_value(field, value)
            if manager.decrypt_secret_value(field, encrypted) != value:
                sys.exit(f"{field}: another value came back")


rounds = json.load(sys.stdin)["rounds"]
settings = program.read_settings()
program.use_hummingbot()
values = program.read_secrets(settings)
program.materialise(settings)
pairs = [(seconds(lambda: program.materialise(settings)), seconds(own_work)) for _ in range(rounds)]
print("\n" + json.dumps({
    "fields": sum(map(len, values.values())),
    "materialise": [pair[0] for pair in pairs],
    "own": [pair[1] for pair in pairs],
}), flush=True)
