"""Says the SHA-256 of each file below /etc/secrets and of each variable V<number>; never a value."""
import hashlib
import os
import re
from pathlib import Path


def say(kind, name, raw):
    print(kind, name, hashlib.sha256(raw).hexdigest())


for path in sorted(Path("/etc/secrets").glob("*/v*")):
    say("file", path.name, path.read_bytes())
for name, value in os.environb.items():
    if re.fullmatch(rb"V\d+", name):
        say("variable", name.decode(), value)
print("end")
