"""The agent as a program: requests on standard input, one a line; answers and progress on standard output.

python -m agents.main storage                           a host of secondary storage in directories
python -m agents.main simulator STATE --host UUID       one simulated host of a state file
"""

import argparse
import logging
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Optional

from agents import AGENT_VERSION
from agents.agent import Agent
from agents.hypervisors.simulator import Location, Simulator
from agents.machine import Machine
from agents.memory import ShortMemory
from agents.protocol import VERSION
from agents.storage.directory import DirectorySecondaryStorage
from agents.storage.stores import SecondaryStores

log = logging.getLogger(__name__)

THREADS = 16
# Longer lines are no requests; the rest of one is skipped as it comes.
MAXIMUM_LINE = 16_000_000


def serve(agent: Agent, source: IO[str], target: IO[str], threads: int = THREADS) -> None:
    """Answers until `source` ends, then finishes what has begun. Answers come in the order in which the work ends."""
    lock = threading.Lock()

    def send(text: str) -> None:
        with lock:
            target.write(text + "\n")
            target.flush()

    def answer(line: str) -> None:
        try:
            send(agent.handle(line, send))
        except ConnectionError as error:
            # A simulated host without power says nothing.
            log.info("not answered: %s", error)

    with ThreadPoolExecutor(threads, thread_name_prefix="verb") as pool:
        while True:
            line = source.readline(MAXIMUM_LINE)
            if not line:
                return
            if '"agent.' in line:
                # Cancelling must not wait behind the work that is to be cancelled.
                answer(line)
            elif line.strip():
                pool.submit(answer, line)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="agents", description="Carries out on this host what the server asks for.")
    parser.add_argument("--version", action="version", version=f"{AGENT_VERSION}, protocol {VERSION}")
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("storage", help="secondary storage in directories")
    simulated = kinds.add_parser("simulator", help="one simulated host")
    simulated.add_argument("state", help="the file that keeps the state of the simulated hosts")
    simulated.add_argument("--host", required=True, help="UUID of the host")
    simulated.add_argument("--url", default="http://sim/c0/h0", help="its URL, which may name its hardware")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    directory = DirectorySecondaryStorage()
    if chosen.kind == "storage":
        agent = Agent(Machine(secondary=SecondaryStores({"file": directory})), ShortMemory())
    else:
        agent = Simulator(chosen.state, directory=directory).agent(Location(chosen.host, chosen.url))
    serve(agent, sys.stdin, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
