import { afterAll, beforeAll } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WorkerProgram } from "./sampling-worker.ts";

/** The compiled program of the workers, and a temporary folder. Both exist only from the first test on. */
export interface WorkerPlace {
  readonly program: WorkerProgram;
  readonly directory: string;
}

/** Compiles the workers and makes the folder for the tests around the call, unless these are skipped for a reason. */
export function useWorkers(reason: string | null): WorkerPlace {
  const scope = new DisposableStack();
  const place = { program: undefined as unknown as WorkerProgram, directory: "" };
  beforeAll(() => {
    if (reason !== null) return;
    place.program = scope.use(new WorkerProgram());
    place.directory = mkdtempSync(join(tmpdir(), "linnix-workers-"));
    scope.defer(() => rmSync(place.directory, { recursive: true, force: true }));
  });
  afterAll(() => scope.dispose());
  return place;
}
