import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readLines } from "../../src/observers/lines.ts";
import { newTally, type Sighting, type Tally } from "../../src/observers/observer.ts";

/** Directory of the recordings that record.sh made. */
export const FIXTURES = join(import.meta.dir, "../fixtures/observers");

/** The nonces of the processes that odd-processes.sh makes. */
export const ODD = ["plain", "space", "paren", "newline", "bytes", "quote", "control", "long"].map((n) => `nonce-${n}`);

/** The sightings that a parser finds in a recording, and its counts. */
export function parseFixture(
  name: string,
  parse: (lines: Iterable<string>, tally: Tally) => Iterable<Sighting>,
): { sightings: Sighting[]; tally: Tally } {
  const tally = newTally();
  return { sightings: [...parse(readLines(join(FIXTURES, name), tally), tally)], tally };
}

/** The pid of each process in a recording, by its nonce. */
export function recordedPids(name: string): Map<string, number> {
  const lines = readFileSync(join(FIXTURES, name), "utf8").trim().split("\n");
  return new Map(lines.map((line) => [line.split(" ")[1] ?? "", Number(line.split(" ")[0])]));
}

/** The arguments in the first sighting of the process with this nonce and its recorded pid; null without sighting. */
export function argsOf(sightings: Sighting[], pids: Map<string, number>, nonce: string): Sighting["args"] | null {
  const holds = ({ args }: Sighting) => (typeof args === "string" ? args.includes(nonce) : args?.includes(nonce));
  return sightings.find((sighting) => sighting.pid === pids.get(nonce) && holds(sighting))?.args ?? null;
}

/** Nonces of the odd processes that were seen with their pid and nonce. */
export function oddSeen(sightings: Sighting[], pids: Map<string, number>): string[] {
  return ODD.filter((nonce) => argsOf(sightings, pids, nonce) !== null);
}
