"""A strategy that trades nothing and keeps a book, data/trades.log, of when it ran in which pod.

It stands for a strategy with orders: it takes data/shutdown-seconds to stop, and an exchange that
refuses a key, one whose value holds `refused-by-exchange`, is its end at the start.
"""
import asyncio
import os
import time
from pathlib import Path

from hummingbot.client.config.security import Security
from hummingbot.strategy.strategy_v2_base import StrategyV2Base, StrategyV2ConfigBase

DATA = Path("/home/hummingbot/data")


class BookConfig(StrategyV2ConfigBase):
    script_file_name: str = os.path.basename(__file__)


class Book(StrategyV2Base):
    def __init__(self, connectors, config=None):
        super().__init__(connectors, config)
        for name in Security.all_decrypted_values():
            for value in Security.api_keys(name).values():
                if "refused-by-exchange" in str(value):
                    raise RuntimeError(f"the exchange refuses a key of {name}")
        self.write("start")

    def write(self, what):
        with open(DATA / "trades.log", "a", encoding="utf-8") as book:
            book.write(f"{int(time.time())} {what} {os.environ.get('HOSTNAME', 'unknown')}\n")

    def on_tick(self):
        pass

    async def on_stop(self):
        try:
            seconds = float((DATA / "shutdown-seconds").read_text(encoding="utf-8"))
        except OSError:
            seconds = 0
        await asyncio.sleep(seconds)
        self.write("stop")
