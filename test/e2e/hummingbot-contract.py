"""Asks the real Hummingbot for all that this project relies on; one JSON object on stdout."""
import contextlib
import io
import json
import runpy
import sys
from pathlib import Path

from pydantic import SecretStr


def fields_of(config):
    return {
        name: {
            "secret": SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ())),
            "type": getattr(field.annotation, "__name__", str(field.annotation)),
            "required": field.is_required(),
        }
        for name, field in type(config).model_fields.items()
        if name != "connector"
    }


def connectors():
    from hummingbot.client.settings import AllConnectorSettings

    settings = AllConnectorSettings.get_connector_settings()
    return {
        name: fields_of(setting.config_keys)
        for name, setting in settings.items()
        if setting.config_keys is not None
    }


def refused(connector, values):
    """What the connector says to plain values; None when it takes them."""
    from hummingbot.client.config.config_helpers import ClientConfigAdapter
    from hummingbot.client.settings import AllConnectorSettings

    try:
        config = ClientConfigAdapter(AllConnectorSettings.get_connector_config_keys(connector))
        for name, value in values.items():
            setattr(config, name, value)
    except Exception as error:
        return str(error).splitlines()[0]
    return None


def engine(*words):
    """What the engine says and ends with; no variable holds a password."""
    said = io.StringIO()
    code = None
    before = sys.argv
    sys.argv = ["hummingbot.cli.engine", *words]
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            runpy.run_module("hummingbot.cli.engine", run_name="__main__")
    except SystemExit as end:
        code = end.code
    finally:
        sys.argv = before
    return {"said": said.getvalue(), "code": code}


def names():
    from hummingbot.client.config import config_crypt
    from hummingbot.client.config.security import Security

    found = [name for name in asked["config_crypt"] if hasattr(config_crypt, name)]
    return {
        "config_crypt": found,
        "Security": [name for name in asked["Security"] if hasattr(Security, name)],
    }


asked = json.load(sys.stdin)
package = Path(__import__("hummingbot").__file__).parent
answer = {
    "version": (package / "VERSION").read_text().strip(),
    "connectors": connectors(),
    "refused": {name: refused(name, values) for name, values in asked["plain"].items()},
    "names": names(),
    "help": engine("--help"),
    "locked": engine("--name", "contract"),
}
json.dump(answer, sys.stdout)
