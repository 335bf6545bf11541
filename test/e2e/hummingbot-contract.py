"""Asks the real Hummingbot for all that this project relies on; one JSON object on stdout."""
import contextlib
import io
import json
import os
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


@contextlib.contextmanager
def arguments(*words):
    before = sys.argv
    sys.argv = ["hummingbot.cli.engine", *words]
    try:
        yield
    finally:
        sys.argv = before


def engine(*words):
    """What the engine says and ends with; no variable holds a password."""
    said = io.StringIO()
    code = None
    with arguments(*words):
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                runpy.run_module("hummingbot.cli.engine", run_name="__main__")
        except SystemExit as end:
            code = end.code
    return {"said": said.getvalue(), "code": code}


def handed_over(*words):
    """What the engine's main makes of its arguments and of HBOT_PASSWORD, up to where the bot would start."""
    from hummingbot.cli import engine

    seen = {}

    async def run_engine(name, config_file_name, v2_conf, password, auto_set_permissions):
        seen.update(name=name, config=config_file_name, scriptConfig=v2_conf, password=password)
        seen["left"] = "HBOT_PASSWORD" in os.environ
        return 0

    engine.run_engine = run_engine
    os.environ["HBOT_PASSWORD"] = "of the contract"
    with arguments(*words):
        try:
            engine.main()
        except SystemExit as end:
            seen["code"] = end.code
    return seen


def names():
    """Those of the names asked for that are there, by module or class."""
    import importlib

    found = {}
    for place, wanted in asked["names"].items():
        module, _, inner = place.partition(":")
        owner = importlib.import_module(module)
        if inner:
            owner = getattr(owner, inner)
        found[place] = [name for name in wanted if hasattr(owner, name)]
    return found


def places():
    from hummingbot.cli import bot
    from hummingbot.client import settings
    from hummingbot.client.config.config_crypt import PASSWORD_VERIFICATION_PATH

    return {
        "conf/.password_verification": str(PASSWORD_VERIFICATION_PATH),
        "conf/connectors": str(settings.CONNECTORS_CONF_DIR_PATH),
        "conf/strategies": str(settings.STRATEGIES_CONF_DIR_PATH),
        "conf/scripts": str(settings.SCRIPT_STRATEGY_CONF_DIR_PATH),
        "conf/controllers": str(settings.CONTROLLERS_CONF_DIR_PATH),
        "scripts": str(settings.SCRIPT_STRATEGIES_PATH),
        "status.json": str(bot._status_file().relative_to(bot.bot_dir())),
    }


def status():
    """Whether `strategy_running` is what the bot says of itself, in the status that it writes."""
    import inspect

    from hummingbot.cli import bot
    from hummingbot.core.trading_core import TradingCore

    bot.bot_dir().mkdir(parents=True, exist_ok=True)
    bot.write_status({"engine": {"strategy_running": True}})
    return {
        "read": bot.read_status(),
        "said": '"strategy_running"' in inspect.getsource(TradingCore.get_status).replace("'", '"'),
    }


def taken_for_engine():
    from hummingbot.cli import bot

    return bot.is_engine_pid(os.getpid())


asked = json.load(sys.stdin)
package = Path(__import__("hummingbot").__file__).parent
answer = {
    "version": (package / "VERSION").read_text().strip(),
    "connectors": connectors(),
    "refused": {name: refused(name, values) for name, values in asked["plain"].items()},
    "names": names(),
    "places": places(),
    "status": status(),
    "takenForEngine": taken_for_engine(),
    "help": engine("--help"),
    "locked": engine("--name", "contract"),
    "byConfig": handed_over("--name", "a", "--config", "a.yml"),
    "byScriptConfig": handed_over("--name", "b", "--script-config", "b.yml"),
}
# The bot may have printed.
print("\n" + json.dumps(answer), flush=True)
