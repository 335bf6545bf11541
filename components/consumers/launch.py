"""Runs the bot in this very process, once its login has read what was delivered.

`hbot start --foreground` hands its password to itself by an environment block, which the kernel shows
to whoever may look into /proc/1/environ. Here the password comes by a file in memory and is put into
this process's own memory only, where the bot's engine (hummingbot/cli/engine.py) looks for it and
takes it away.

Without a strategy it logs in, says "not trading", and waits to be stopped. With `--materialise` it
makes the connector files first, for places that have no init container.

Exit codes: those of materialise.py, and those of the bot's engine.
"""
import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from materialise import (
    HOME,
    RUN,
    WRONG_INPUT,
    Refused,
    fail,
    forbid_core_files,
    locked,
    materialise,
    put,
    read_secrets,
    read_settings,
    use_hummingbot,
    write_report,
)

# `hbot status` and `hbot stop` take a process for the bot when this is among its arguments.
ENGINE = "hummingbot.cli.engine"


def password():
    try:
        return (RUN / "password").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Refused(f"{RUN}/password: got none; allowed: the one that materialise.py makes; fix: start it again") from None


def log_in(settings):
    """The bot's own login. @returns keys by exchange if it read what was delivered; None otherwise"""
    from hummingbot.client.config.config_crypt import ETHKeyFileSecretManger
    from hummingbot.client.config.security import Security

    values = read_secrets(settings)
    try:
        if Security.login(ETHKeyFileSecretManger(password())):
            return read_by(Security.all_decrypted_values(), settings, values)
    except Refused:
        raise
    except Exception:
        # Files that another password, another bot or half a disk has left behind.
        return None
    return None


def read_by(bot, settings, values):
    """@returns keys by exchange; None when the bot has other values than those delivered"""
    wanted = {connector["connector"] for connector in settings["connectors"]}
    if set(bot) != wanted:
        return None
    read = {}
    for connector in settings["connectors"]:
        config, fields = bot[connector["connector"]], values[connector["exchange"]]
        for entry in connector["secrets"]:
            if getattr(config, entry["field"]).get_secret_value() != fields[entry["field"]]:
                return None
        read[connector["exchange"]] = [entry["key"] for entry in connector["secrets"]]
    return read


def logged_in(settings):
    """Logs in; what is not of these values, as after a restart in place, is made anew, once."""
    read = log_in(settings)
    if read is None:
        print("conf/connectors are not what was delivered: made anew", flush=True)
        materialise(settings)
        read = log_in(settings)
    if read is None:
        raise Refused("conf/connectors: got other values than those delivered; allowed: the same; fix: start it again")
    report = Report(json.loads((RUN / "report.json").read_text(encoding="utf-8")))
    report.update(read=read, trading=None)
    print(f"logged in: {sum(map(len, read.values()))} keys of {', '.join(read) or 'no exchange'}", flush=True)
    return report


class Report:
    """What the doctor reads. Several threads write it."""

    def __init__(self, content):
        self._content = content
        self._lock = threading.Lock()

    def update(self, **fields):
        with self._lock:
            self._content.update(fields)
            write_report(self._content)


class Stop:
    """SIGTERM from the first moment on: as process 1, a bot without a handler would not even hear it."""

    def __init__(self):
        self._asked = threading.Event()
        self._trading = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)
        # `hbot status` sends it; until the engine listens, it would be the end of the process.
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)

    def _hear(self, _number, _frame):
        self._asked.set()
        if not self._trading:
            raise SystemExit(0)

    def wait(self):
        while not self._asked.is_set():
            signal.pause()

    def leave_to_engine(self):
        """From now on orders may stand: until the engine listens itself, it is told again and again."""
        self._trading = True
        threading.Thread(target=self._repeat, daemon=True).start()

    def _repeat(self):
        self._asked.wait()
        while True:
            time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGTERM)


def follow(path):
    """The bot's engine is silent but in its log file: what it writes there is printed too."""

    def lines():
        position = path.stat().st_size if path.exists() else 0
        while True:
            with suppress(OSError):
                size = path.stat().st_size
                if size < position:
                    position = 0
                if size > position:
                    with open(path, encoding="utf-8", errors="replace") as log:
                        log.seek(position)
                        sys.stdout.write(log.read())
                        sys.stdout.flush()
                        position = log.tell()
            if done.wait(0.2) and last.is_set():
                return
            if done.is_set():
                last.set()

    done, last = threading.Event(), threading.Event()
    thread = threading.Thread(target=lines, daemon=True)
    thread.start()

    def end():
        done.set()
        thread.join(2)

    return end


def announce(report, strategy):
    """Ready when the engine says that its strategy runs."""
    from hummingbot.cli import bot

    def watch():
        while not ((bot.read_status() or {}).get("engine") or {}).get("strategy_running"):
            time.sleep(0.2)
        report.update(trading=strategy["config"])
        put(RUN / "ready", "")
        print(f"trading: {strategy['config']}", flush=True)

    with suppress(FileNotFoundError):
        (Path(bot.bot_dir()) / "status.json").unlink()
    threading.Thread(target=watch, daemon=True).start()


def from_outside(settings):
    """@returns what looks for values that somebody else changes; None where nobody does"""
    if settings.get("outside") is None:
        return None
    from outside import Outside

    return Outside(settings)


def forget_bot():
    """What a bot that was killed has noted of itself would now mean this process."""
    from hummingbot.cli import bot

    with suppress(OSError):
        bot.clear_pid()


def trade(strategy, report, stop):
    """The engine, as `hbot start --foreground` would call it. Never returns."""
    import logging

    from hummingbot.cli import bot, engine

    logging.disable(logging.NOTSET)
    name, option = strategy["config"].rsplit(".", 1)[0], strategy["option"]
    bot.bot_dir().mkdir(parents=True, exist_ok=True)
    bot.write_meta({
        "name": name,
        "type": strategy["type"],
        "file": strategy["config"],
        "config": strategy["config"] if option == "--config" else None,
        "script_config": strategy["config"] if option == "--script-config" else None,
        "started_at": time.time(),
        "pid": os.getpid(),
    })
    bot.write_pid(os.getpid())
    announce(report, strategy)
    end = follow(HOME / "logs" / f"logs_{name}.log")
    stop.leave_to_engine()
    sys.argv = [ENGINE, "--name", name, option, strategy["config"]]
    # Its imports are done, so nothing that they start inherits this; the engine takes it away at once.
    os.environ["HBOT_PASSWORD"] = password()
    try:
        engine.main()
    except SystemExit as ended:
        end()
        if ended.code not in (0, None):
            raise Refused(
                f"strategy {strategy['config']}: got exit code {ended.code} from the bot; allowed: one that it can start; "
                f"fix: see its log above",
                ended.code if isinstance(ended.code, int) else WRONG_INPUT,
            ) from None
    sys.exit(0)


def main():
    os.umask(0o077)
    forbid_core_files()
    stop = Stop()
    try:
        # Of a bot that was killed before it could take it away, in the same pod.
        with suppress(FileNotFoundError):
            (RUN / "ready").unlink()
        settings = read_settings()
        os.chdir(HOME)
        use_hummingbot()
        with locked(HOME / "conf"):
            if "--materialise" in sys.argv:
                materialise(settings)
            outside = from_outside(settings)
            report = logged_in(settings)
            if outside is not None:
                outside.watch(report)
            strategy = settings["strategy"]
            if strategy is not None:
                trade(strategy, report, stop)
            forget_bot()
            put(RUN / "ready", "")
            print("not trading: no strategy is set; fix: the setting strategy", flush=True)
            stop.wait()
    except Exception as error:
        fail(error)
    finally:
        with suppress(OSError):
            (RUN / "ready").unlink()


if __name__ == "__main__":
    main()
