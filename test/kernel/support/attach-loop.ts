/**
 * bun attach-loop.ts BACKEND ROUNDS: attaches and detaches in one process. Then it
 * prints as JSON which kernel objects were made and which are still open, and
 * waits for the end of its input.
 */
import { readFileSync } from "node:fs";
import { Collector } from "../../../src/collect/collector.ts";
import type { BackendChoice } from "../../../src/config/sections/probes.ts";
import { collectorOptions } from "../../collect/collector-options.ts";
import { type BpfIds, bpfIdsOf, descriptorsOf } from "./bpf-objects.ts";

/** The result of the loop. */
export interface AttachLoop {
  rounds: number;
  /** Number of records of all rounds. */
  received: number;
  balanced: boolean;
  /** All BPF objects that the rounds made. */
  made: BpfIds;
  /** Descriptors after the first round, which opens what stays open, and after the last round. */
  descriptors: { first: string[]; last: string[] };
  /** Memory mappings that are kernel objects: rings and counters. */
  mappings: { first: string[]; last: string[] };
}

function mappings(): string[] {
  return readFileSync("/proc/self/maps", "utf8")
    .split("\n")
    .filter((line) => line.includes("anon_inode:"));
}

async function main(backend: BackendChoice, rounds: number): Promise<AttachLoop> {
  const programs = new Set<number>();
  const maps = new Set<number>();
  const links = new Set<number>();
  const kept: [descriptors: string[], mappings: string[]][] = [];
  let received = 0;
  let balanced = true;
  for (let round = 0; round < rounds; round++) {
    {
      using collector = new Collector(collectorOptions({ backend, ringBytes: 256 * 1024, flushIntervalMs: 1000 }), {
        event: () => {},
        idle: () => {},
      });
      collector.start();
      const ids = bpfIdsOf("self");
      for (const id of ids.programs) programs.add(id);
      for (const id of ids.maps) maps.add(id);
      for (const id of ids.links) links.add(id);
      Bun.spawnSync(["/bin/true"]);
      await collector.stop();
      balanced &&= collector.isBalanced();
      received += collector.received.fork + collector.received.exec + collector.received.exit;
    }
    kept.push([descriptorsOf("self"), mappings()]);
  }
  const [first = [[], []], last = first] = [kept[0], kept.at(-1)];
  return {
    rounds,
    received,
    balanced,
    made: { programs: [...programs], maps: [...maps], links: [...links] },
    descriptors: { first: first[0], last: last[0] },
    mappings: { first: first[1], last: last[1] },
  };
}

const [backend = "auto", rounds = "100"] = process.argv.slice(2);
console.log(JSON.stringify(await main(backend as BackendChoice, Number(rounds))));
// Closed objects must be gone while this process still lives.
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
