"""Ends the bot when somebody else has changed its keys, so that it starts anew with them.

What a Secret holds comes into the mounted files of a running pod by the kubelet; the bot has no token of
the cluster and asks nobody. It reads its keys at its login alone, so it is told to stop, as by
SIGTERM, and its container starts again in the same pod: never two bots. Values that it could not
take end nothing: it goes on with those that it has, and says so in one line.

What was seen is kept as digests, in memory alone.
"""
import hashlib
import os
import signal
import threading
import time
from contextlib import suppress

from materialise import TERMINATION_LOG, password_of, read_secrets, told

# What the container ends with when the bot does not stop in time.
DID_NOT_STOP = 1


def entries_of(settings):
    """What bot.json says of each key that somebody else changes."""
    keys = settings["outside"]["keys"]
    entries = [entry for connector in settings["connectors"] for entry in connector["secrets"]]
    if settings["keystore"] is not None:
        entries.append(settings["keystore"])
    return [entry for entry in entries if entry["key"] in keys]


def digest_of(entry):
    """@returns None for a file that cannot be read"""
    try:
        with open(os.environ[entry["variable"] + "_FILE"], "rb") as file:
            return hashlib.sha256(file.read(entry["maxBytes"] + 2)).digest()
    except (KeyError, OSError):
        return None


class Outside:
    """To be made before the login reads: what changes between the two is seen as a change."""

    def __init__(self, settings):
        self._settings = settings
        self._entries = entries_of(settings)
        self._every = settings["outside"]["lookSeconds"]
        self._patience = settings["outside"]["stopSeconds"]
        self._used = self._look()
        self._refused = None

    def _look(self):
        return {entry["key"]: digest_of(entry) for entry in self._entries}

    def watch(self, report):
        """@param report is told, as `outside`, why new values are not taken; None while there are none"""
        threading.Thread(target=self._watch, args=(report,), daemon=True).start()

    def _watch(self, report):
        last = self._used
        while True:
            time.sleep(self._every)
            now = self._look()
            # Files of one change may come one after the other.
            settled, last = now == last, now
            if settled and self._judge(now, report):
                self._end(now)
                return

    def _judge(self, now, report):
        """@returns whether the bot has to start anew"""
        if now == self._used:
            if self._refused is not None:
                self._refused = None
                self._say("outside: the values are those again that the bot runs on", report, None)
            return False
        if now == self._refused:
            return False
        try:
            read_secrets(self._settings)
            password_of(self._settings)
        except Exception as error:
            self._refused = now
            line, _code = told(error)
            line = f"{line.split('; fix: ')[0]}; fix: whoever writes it writes it anew, the bot goes on with what it has"
            self._say(line, report, line)
            return False
        return True

    def _say(self, line, report, refused):
        print(line, flush=True)
        # A full disk is no reason to look no more.
        with suppress(OSError):
            report.update(outside=refused)

    def _end(self, now):
        changed = [key for key, digest in now.items() if digest != self._used[key]]
        line = f"outside: {', '.join(changed)} changed; the bot stops, and starts anew with what is there now"
        print(line, flush=True)
        with suppress(OSError), open(TERMINATION_LOG, "r+", encoding="utf-8") as log:
            log.write(line)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(self._patience)
        print(f"outside: the bot has not stopped within {self._patience} s; its process ends", flush=True)
        os._exit(DID_NOT_STOP)
