import type { PageFaultEvent, SampleEvent } from "../../src/wire/event.ts";
import { type CollectOutput, parseOutput } from "../kernel/support/collect-output.ts";
import { parseTruth, Truths, Watched } from "../kernel/support/fixture.ts";
import type { Results } from "./boot.ts";

/** One run of collect in a guest: its output, and the reports of the fixture's processes on themselves. */
export class Way {
  readonly results: Results;
  readonly name: string;
  #output: CollectOutput | undefined;

  constructor(results: Results, name: string) {
    this.results = results;
    this.name = name;
  }

  get exitCode(): number {
    return Number(this.text("code"));
  }

  get stderr(): string {
    return this.text("stderr");
  }

  /** Its output; an incomplete line or a line of unknown type fails the test. */
  get output(): CollectOutput {
    this.#output ??= parseOutput(this.text("events.jsonl"));
    return this.#output;
  }

  text(file: string): string {
    return this.results.text(`${this.name}/${file}`);
  }

  has(file: string): boolean {
    return this.results.has(`${this.name}/${file}`);
  }

  /** Samples of the processes with that name. */
  samplesOf(comm: string): SampleEvent[] {
    const samples = this.output.others.filter(({ type }) => type === "sample") as SampleEvent[];
    return samples.filter((sample) => sample.comm === comm);
  }

  pageFaultsOf(pid: number): PageFaultEvent[] {
    const faults = this.output.others.filter(({ type }) => type === "page_fault") as PageFaultEvent[];
    return faults.filter((fault) => fault.pid === pid);
  }

  /** Reports of the fixture's processes on themselves, by the name of the file. */
  truths(name: string): Truths {
    return new Truths(this.text(`truth/${name}.jsonl`).trim().split("\n").map(parseTruth));
  }

  /** A scenario by its name in test/kernels/guest/scenarios. */
  watched(scenario: string): Watched {
    return new Watched(this.truths(scenario), this.output.events);
  }
}
