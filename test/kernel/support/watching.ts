import { afterAll, beforeAll } from "bun:test";
import { CollectRun, type StartOptions, USUAL } from "./collect-run.ts";
import { Fixture } from "./fixture.ts";

/** Compiles the fixtures for the tests around the call, unless these are skipped for a reason. */
export function useFixture(reason: string | null): () => Fixture {
  let fixture: Fixture | undefined;
  beforeAll(() => {
    if (reason === null) fixture = new Fixture();
  });
  afterAll(() => fixture?.[Symbol.dispose]());
  return () => {
    if (fixture === undefined) throw new Error("the fixtures are not compiled");
    return fixture;
  };
}

/** One collector for the tests around the call; the last test must stop it and check its whole output. */
export function useCollector(args: readonly string[] = USUAL, options: StartOptions = {}): () => CollectRun {
  let collect: CollectRun | undefined;
  beforeAll(async () => {
    collect = await CollectRun.start(args, options);
  });
  afterAll(() => collect?.[Symbol.asyncDispose]());
  return () => {
    if (collect === undefined) throw new Error("the collector is not running");
    return collect;
  };
}
