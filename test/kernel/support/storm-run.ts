/** A short storm, for a test that kills it: bun test/kernel/support/storm-run.ts. Prints the path of its cgroup once it runs. */
import { defaultSettings } from "../../../src/config/print.ts";
import { loopsFor } from "../../../src/overhead/storm/loops.ts";
import { runStormTest } from "../../../src/overhead/storm/run.ts";

let path = "";
await runStormTest(
  {
    settings: defaultSettings(),
    rate: 20,
    seed: 1,
    loops: loopsFor(),
    warmUpMs: 500,
    stormMs: 12_000,
    afterMs: 500,
  },
  {
    planned: ({ cgroups }) => {
      path = cgroups.storm;
    },
    phase: (name) => {
      if (name === "storm") console.log(path);
    },
  },
  new AbortController().signal,
);
