import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SOURCE = join(import.meta.dir, "../../fixtures/sampling/worker.c");

/** The compiled program of test/fixtures/sampling. Disposing removes the program and ends its processes. */
export class WorkerProgram implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "linnix-sampling-"));
  readonly path = join(this.#directory, "worker");
  readonly #running: Worker[] = [];

  constructor() {
    // Other users execute the program in this directory.
    chmodSync(this.#directory, 0o755);
    const { exitCode, stderr } = Bun.spawnSync(
      ["gcc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-pthread", SOURCE, "-o", this.path],
      { stdin: "ignore" },
    );
    if (exitCode !== 0) throw new Error(`gcc: ${stderr}`);
  }

  /** Starts a worker, and waits until it has reached its task. */
  start(...args: readonly (string | number)[]): Promise<Worker> {
    return this.startAs([], ...args);
  }

  /** @param before command that changes the user or cgroup and then executes the program */
  async startAs(before: readonly string[], ...args: readonly (string | number)[]): Promise<Worker> {
    const worker = new Worker([...before, this.path, ...args.map(String)]);
    this.#running.push(worker);
    await worker.ready();
    return worker;
  }

  [Symbol.dispose](): void {
    for (const worker of this.#running) worker.end();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

export class Worker {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncIterator<Uint8Array>;
  #said = "";

  constructor(command: string[]) {
    this.#child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    this.#lines = this.#child.stdout[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid;
  }

  async ready(): Promise<void> {
    while (!this.#said.includes("ready\n")) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error("the worker ended");
      this.#said += new TextDecoder().decode(value);
    }
    this.#said = this.#said.slice(this.#said.indexOf("ready\n") + 6);
  }

  /** Lets a worker of kind `grow` allocate this many more megabytes. */
  async grow(megabytes: number): Promise<void> {
    this.#child.stdin.write(`${megabytes}\n`);
    this.#child.stdin.flush();
    await this.ready();
  }

  /** Lets a worker of kind `exec-aside` execute. */
  async exec(): Promise<void> {
    this.#child.stdin.write("\n");
    this.#child.stdin.flush();
    await this.ready();
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }
}
