"""Makes of delivered secrets what Hummingbot reads: conf/connectors/*.yml and a keystore.

Hummingbot takes no key from the environment or from mounted files; it reads one file a connector,
each secret field encrypted with one password (hummingbot/client/config/security.py, 2.16 to 2.18).
This program runs in the bot's image, before the bot, and writes these files with the bot's own code;
it has no cipher of its own. It prints the names of the connectors and nothing else.

What exists comes from bot.json beside it, which is made of components/catalog.ts. A value is looked
for in the file that <NAME>_FILE names, then in <NAME>.

Exit codes: 0; 65 wrong input, which another try does not mend; 73 conf or /run/hummingbot cannot be
written; 75 another run is at it.
"""
import fcntl
import json
import os
import re
import resource
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from shutil import rmtree

HERE = Path("/etc/hummingbot")
HOME = Path("/home/hummingbot")
RUN = Path("/run/hummingbot")
TERMINATION_LOG = Path("/dev/termination-log")

WRONG_INPUT = 65
CANNOT_WRITE = 73
BUSY = 75
FEWEST_BYTES_OF_PASSWORD = 8


class Refused(Exception):
    """One line for a person: what, got, allowed, fix; never a value."""

    def __init__(self, line, code=WRONG_INPUT):
        super().__init__(line)
        self.code = code


def read_settings():
    """bot.json, as botSettings() in components/consumers/container.ts makes it."""
    try:
        with open(HERE / "bot.json", encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise Refused(
            f"{HERE}/bot.json: got {type(error).__name__}; allowed: the file that npm start writes; fix: npm start"
        ) from None


def secret_of(entry):
    """The value of one secret, without exactly one trailing newline, if it has the shape of its key."""
    variable = entry["variable"]
    path = os.environ.get(variable + "_FILE")
    if path is not None:
        place = f"the file of {variable}_FILE"
        raw = read_file(entry, path, place)
    elif variable in os.environ:
        place = variable
        raw = os.environb[variable.encode()]
    else:
        raise Refused(
            f"{entry['key']}: got neither {variable}_FILE nor {variable}; allowed: one of them; "
            f"fix: set the value, and npm start"
        )
    try:
        value = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise refused(entry, place, "bytes that are not UTF-8") from None
    if value.endswith("\n"):
        value = value[:-1]
    check(entry, place, value)
    return value


def read_file(entry, path, place):
    try:
        with open(path, "rb") as file:
            raw = file.read(entry["maxBytes"] + 2)
    except OSError as error:
        raise refused(entry, place, f"one that cannot be read ({error.strerror})") from None
    return raw


def refused(entry, place, got):
    return Refused(
        f"{entry['key']}: got {got} in {place}; allowed: {entry['allowed']}; "
        f"fix: set the value anew, and npm start"
    )


def check(entry, place, value):
    """The rules of components/shape.ts, whose patterns travel in bot.json."""
    if value == "":
        raise refused(entry, place, "an empty value")
    if len(value.encode()) > entry["maxBytes"]:
        raise refused(entry, place, f"more than {entry['maxBytes']} bytes")
    if "\r" in value:
        raise refused(entry, place, "a carriage return")
    if "\n" in value and not entry["multiline"]:
        raise refused(entry, place, "several lines, or a second line feed at the end")
    if re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]", value):
        raise refused(entry, place, "a control character")
    # JavaScript's trim takes the byte order mark for a blank too.
    if value != value.strip() or value != value.strip("\ufeff"):
        raise refused(entry, place, "blanks at the start or the end")
    if entry["multiline"] and "\\n" in value:
        raise refused(entry, place, "a backslash and an n in place of line feeds")
    if not re.fullmatch(entry["pattern"], value):
        raise refused(entry, place, f"another shape ({len(value)} characters)")


def read_secrets(settings):
    """All values, by exchange and field. Every mistake but the first would be a second run."""
    values, mistakes = {}, []
    for connector in settings["connectors"]:
        fields = values[connector["exchange"]] = {}
        for entry in connector["secrets"]:
            try:
                fields[entry["field"]] = secret_of(entry)
            except Refused as mistake:
                mistakes.append(mistake)
    if mistakes:
        first, more = str(mistakes[0]), len(mistakes) - 1
        raise Refused(first if more == 0 else f"{first} (and {more} more)")
    return values


def password_of(settings):
    """The managed password, or one that is as random as it gets and lives as long as the pod."""
    if settings["keystore"] is None:
        return secrets.token_urlsafe(32)
    password = secret_of(settings["keystore"])
    if len(password.encode()) < FEWEST_BYTES_OF_PASSWORD:
        raise refused(settings["keystore"], "the keystore password", "less than 8 bytes")
    return password


def use_hummingbot():
    """Makes the bot's package importable. @raises Refused before 2.16.0, which has no engine."""
    if str(HOME) not in sys.path:
        sys.path.insert(0, str(HOME))
    import importlib.util
    import logging

    # It logs with a trace what goes wrong; here each failure is one line.
    logging.disable(logging.CRITICAL)
    try:
        found = importlib.util.find_spec("hummingbot.cli.engine") is not None
    except ModuleNotFoundError:
        found = False
    if not found:
        raise Refused(
            f"image: got Hummingbot {version()}; allowed: 2.16.0 or newer; "
            f"fix: npm run pulumi -- config set image hummingbot/hummingbot:version-2.16.0"
        )


def version():
    """What the bot calls its version."""
    try:
        return (HOME / "hummingbot" / "VERSION").read_text(encoding="utf-8").strip()
    except OSError:
        return "of an unknown version"


@contextmanager
def locked(directory):
    """Nobody else writes a directory meanwhile. The kernel ends the lock with the process."""
    with open(directory / ".hummingbot-secrets.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(
                f"{directory}: got another bot that uses it; allowed: one; fix: stop the other one", BUSY
            ) from None
        yield


def put(path, content, mode=0o400):
    """A file that is never half there."""
    new = path.with_name(f".{path.name}.new")
    with suppress(FileNotFoundError):
        new.unlink()
    with open(new, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(new, mode)
    os.replace(new, path)


def forget():
    """What the launcher trusts goes first: killed from here on, there is nothing to start with."""
    for path in (RUN / "ready", RUN / "report.json", RUN / "password", HOME / "conf" / ".password_verification"):
        with suppress(FileNotFoundError):
            path.unlink()


def write_connectors(settings, values, password):
    """Encrypts, reads back, compares, and only then puts each file where the bot looks."""
    from hummingbot.client.config.config_crypt import ETHKeyFileSecretManger
    from hummingbot.client.config.security import Security
    from hummingbot.client.settings import AllConnectorSettings

    Security.secrets_manager = ETHKeyFileSecretManger(password)
    known = AllConnectorSettings.get_connector_settings()
    target = HOME / "conf" / "connectors"
    new = target / ".new"
    # What a run that was killed has left may be of other exchanges.
    rmtree(new, ignore_errors=True)
    new.mkdir()

    def write(connector):
        write_connector(connector, values[connector["exchange"]], known.get(connector["connector"]), new)

    # A million rounds of a hash for each field, outside of Python's lock.
    with ThreadPoolExecutor() as pool:
        list(pool.map(write, settings["connectors"]))
    for path in target.iterdir():
        # The bot reads each of these, whatever its ending; one that it does not know breaks its login.
        if not path.name.startswith((".", "_")) and (path.is_symlink() or not path.is_dir()):
            path.unlink()
    for path in sorted(new.glob("*.yml")):
        os.replace(path, target / path.name)
    new.rmdir()


def write_connector(connector, fields, known, directory):
    """One connector's file, as the bot's own `connect` would write it, and read as its login does."""
    from hummingbot.client.config.config_helpers import ClientConfigAdapter, load_connector_config_map_from_file

    name = connector["connector"]
    if known is None or known.config_keys is None:
        raise Refused(
            f"{name}: got no such connector in Hummingbot {version()}; allowed: an image that has it; "
            f"fix: another image, or leave {connector['exchange']} out of exchanges"
        )
    model = known.config_keys.__class__
    unlike = (set(model.model_fields) - {"connector"}).symmetric_difference({*fields, *connector["plain"]})
    if unlike:
        raise Refused(
            f"{name}: got other fields in Hummingbot {version()} ({', '.join(sorted(unlike))}); "
            f"allowed: those of the catalog; fix: an image of 2.16.0 to 2.18"
        )
    config = ClientConfigAdapter(model.model_construct())
    for field, value in {**connector["plain"], **fields}.items():
        setattr(config, field, value)
    path = directory / f"{name}.yml"
    put(path, config.generate_yml_output_str_with_comments(), 0o600)
    read = load_connector_config_map_from_file(path)
    wrong = [field for field, value in fields.items() if getattr(read, field).get_secret_value() != value]
    wrong += [field for field, value in connector["plain"].items() if getattr(read, field) != value]
    if wrong:
        raise Refused(
            f"{name}: got another value back for {', '.join(wrong)}; allowed: what was written; fix: start it again",
            CANNOT_WRITE,
        )


def write_verification(password):
    """The word that the bot knows its password by, without a newline: one breaks its login."""
    from hummingbot.client.config.config_crypt import (
        PASSWORD_VERIFICATION_PATH,
        PASSWORD_VERIFICATION_WORD,
        ETHKeyFileSecretManger,
        validate_password,
    )

    manager = ETHKeyFileSecretManger(password)
    word = manager.encrypt_secret_value(PASSWORD_VERIFICATION_WORD, PASSWORD_VERIFICATION_WORD)
    put(PASSWORD_VERIFICATION_PATH, word, 0o600)
    if not validate_password(manager):
        raise Refused("keystore: got a password that it was not made with; allowed: the same", CANNOT_WRITE)


def copy_strategy(settings):
    """The user's strategy: the bot writes to its configuration, so it gets a copy."""
    for name, place in settings["files"].items():
        target = HOME / place
        target.parent.mkdir(parents=True, exist_ok=True)
        put(target, (HERE / name).read_text(encoding="utf-8"), 0o600)


def report(settings):
    """Names of what is there, for the doctor."""
    return {
        "hummingbot": version(),
        "materialised": {c["exchange"]: [entry["key"] for entry in c["secrets"]] for c in settings["connectors"]},
        "read": {},
        "trading": None,
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def write_report(content):
    put(RUN / "report.json", json.dumps(content))


def materialise(settings):
    """All of it. @returns the names of the connectors"""
    values = read_secrets(settings)
    password = password_of(settings)
    use_hummingbot()
    for name in ("connectors", "strategies", "scripts", "controllers"):
        (HOME / "conf" / name).mkdir(parents=True, exist_ok=True)
    forget()
    write_connectors(settings, values, password)
    copy_strategy(settings)
    write_verification(password)
    put(RUN / "password", password)
    write_report(report(settings))
    return [connector["connector"] for connector in settings["connectors"]]


def told(error):
    """The one line of a failure, and its exit code."""
    if isinstance(error, Refused):
        return str(error), error.code
    if isinstance(error, OSError):
        where = error.filename or HOME / "conf"
        line = f"{where}: got {error.strerror}; allowed: a directory that can be written, with room; fix: make it so"
        return line, CANNOT_WRITE
    # A library's own words could repeat a value; its kind cannot.
    line = f"Hummingbot {version()}: got {type(error).__name__} from its own code; allowed: none; fix: another image"
    return line, WRONG_INPUT


def fail(error):
    """Says it where a person, and where Kubernetes, looks. Never returns."""
    line, code = told(error)
    print(line, file=sys.stderr, flush=True)
    # Kubernetes shows it as the reason of the container; it makes the file.
    with suppress(OSError), open(TERMINATION_LOG, "r+", encoding="utf-8") as log:
        log.write(line)
    sys.exit(code)


def forbid_core_files():
    """A core file would be a copy of the values on a disk. Nobody but root raises the limit again.

    Below 1 a kernel still pipes to a program, if its core_pattern names one; 1 byte stops both (fs/coredump.c).
    """
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
    except ValueError:  # Already 0, for good.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main():
    os.umask(0o077)
    forbid_core_files()
    try:
        with locked(HOME / "conf"):
            print(*materialise(read_settings()), sep="\n", flush=True)
    except Exception as error:
        fail(error)


if __name__ == "__main__":
    main()
