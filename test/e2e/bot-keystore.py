"""Asks the bot's own code, inside its container, what its configuration holds; one JSON object on stdout."""
import json
import re
from pathlib import Path

from hummingbot.client.config.config_crypt import ETHKeyFileSecretManger
from hummingbot.client.config.security import Security
from pydantic import SecretStr

CONF = Path("/home/hummingbot/conf")


class Keystore(ETHKeyFileSecretManger):
    """Decrypts each text once: it takes its time."""

    def __init__(self, password):
        super().__init__(password)
        self._known = {}

    def decrypt_secret_value(self, attr, value):
        if value not in self._known:
            self._known[value] = super().decrypt_secret_value(attr, value)
        return self._known[value]


def decrypted(text):
    try:
        return keystore.decrypt_secret_value("", text)
    except Exception:
        return None


password = Path("/run/hummingbot/password").read_text(encoding="utf-8")
keystore = Keystore(password)
login = Security.login(keystore)
files = [path for path in CONF.rglob("*") if path.is_file()]
answer = {
    "login": login,
    # What the bot gets, by connector and field.
    "fields": {
        name: {
            field: value.get_secret_value()
            for field in type(config.hb_config).model_fields
            if isinstance(value := getattr(config, field), SecretStr)
        }
        for name, config in Security.all_decrypted_values().items()
    },
    # What is encrypted anywhere in its configuration; null where this password does not open it.
    "encrypted": {
        str(path.relative_to(CONF)): [
            decrypted(text) for text in re.findall("[0-9a-f]{200,}", path.read_text(encoding="utf-8"))
        ]
        for path in files
    },
}
print(json.dumps(answer))
