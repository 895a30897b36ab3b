import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Groups } from "../../../src/api/answers.ts";
import { CollectRun } from "./collect-run.ts";

/** A collector with the HTTP API, whose configuration the test can change. */
export class GroupsRun implements AsyncDisposable {
  readonly run: CollectRun;
  readonly #directory: string;

  private constructor(run: CollectRun, directory: string) {
    this.run = run;
    this.#directory = directory;
  }

  static async start(toml: string, args: readonly string[] = []): Promise<GroupsRun> {
    const directory = mkdtempSync(join(tmpdir(), "linnix-groups-"));
    // linnix may reload the configuration as another account.
    chmodSync(directory, 0o755);
    write(directory, toml);
    try {
      return new GroupsRun(await CollectRun.start(["--config", join(directory, "toml"), ...args]), directory);
    } catch (error) {
      rmSync(directory, { recursive: true });
      throw error;
    }
  }

  /** Writes another configuration, for a reload. */
  write(toml: string): void {
    write(this.#directory, toml);
  }

  get(route: string): Promise<Response> {
    return fetch(`http://localhost${route}`, { unix: join(this.#directory, "socket") });
  }

  async groups(): Promise<Groups> {
    return (await (await this.get("/groups")).json()) as Groups;
  }

  async metrics(): Promise<string> {
    return (await this.get("/metrics")).text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run[Symbol.asyncDispose]();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function write(directory: string, toml: string): void {
  const head = `[output]\nformat = 'none'\n[api]\nlisten = 'unix:${join(directory, "socket")}'\ncpu_budget = 0\n`;
  writeFileSync(join(directory, "toml"), head + toml, { mode: 0o644 });
}
