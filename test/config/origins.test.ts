import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseListenAddress } from "../../src/api/listen-address.ts";
import { tokenCheck } from "../../src/api/token.ts";
import { resolveCgroup } from "../../src/cgroup/cgroup.ts";
import { loadSettings } from "../../src/config/load.ts";
import { namingOrigins } from "../../src/config/origins.ts";
import { SECTION_LIST, type Settings } from "../../src/config/schema.ts";
import { cannotRunError, EXIT, LinnixError, usageError } from "../../src/errors.ts";
import { Output } from "../../src/sinks/output.ts";
import { accountNamed } from "../../src/sys/privileges.ts";

const directory = mkdtempSync(join(tmpdir(), "linnix-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const OPEN_TOKEN = join(directory, "open-token");
writeFileSync(OPEN_TOKEN, "sesame", { mode: 0o644 });

/** Uses of settings that fail on a wrong value, as in collect. */
const uses = {
  user: ({ run }: Settings) => accountNamed(run.user ?? ""),
  cgroup: ({ filters }: Settings) => resolveCgroup(filters.cgroup ?? { path: "/" }),
  output: ({ output }: Settings) => Output.open(output.file ?? ""),
  api: ({ api: { listen, tokenFile } }: Settings) =>
    tokenCheck(parseListenAddress(listen ?? "0.0.0.0:1"), { listen: listen ?? "", tokenFile }),
};

interface Given {
  flags?: Record<string, string>;
  env?: Record<string, string>;
  text?: string;
}

/** The error of such a use, as linnix prints it. */
async function told(use: (settings: Settings) => unknown, { flags = {}, env = {}, text = "" }: Given) {
  const path = join(directory, "origins.toml");
  writeFileSync(path, text, { mode: 0o600 });
  const words = Object.entries(flags).map(([name, word]) => [name, [word]] as const);
  const { settings, origins } = await loadSettings({ flags: new Map(words), env, defaultFile: path });
  const work = (async () => use(settings))();
  const error = await namingOrigins(origins, work).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(LinnixError);
  const { what, why, hint, exitCode } = error as LinnixError;
  return { what: what.replaceAll(directory, "DIR"), why, hint, exitCode };
}

const NO_CGROUP = "/no/such/cgroup";
const WITHOUT_TOKEN = "cannot listen at 0.0.0.0:3000 without a token";

describe("namingOrigins", () => {
  // Each entry has the use, the source of the value and the error.
  test.each<[keyof typeof uses, Given, string]>([
    ["user", { text: "\n[run]\nuser = 'nosuch'" }, "DIR/origins.toml:3: run.user: nosuch is not known"],
    ["user", { env: { LINNIX_USER: "nosuch" } }, "LINNIX_USER nosuch is not known"],
    ["user", { flags: { user: "nosuch" } }, "--user nosuch is not known"],
    ["cgroup", { text: `filters.cgroup = '${NO_CGROUP}'` }, `DIR/origins.toml:1: filters.cgroup: ${NO_CGROUP} is not`],
    ["cgroup", { env: { LINNIX_CGROUP: NO_CGROUP } }, `LINNIX_CGROUP ${NO_CGROUP} is not known`],
    ["cgroup", { flags: { cgroup: NO_CGROUP } }, `--cgroup ${NO_CGROUP} is not known`],
    ["output", { text: "[output]\nfile = '/nonexist/x'" }, "DIR/origins.toml:2: output.file: /nonexist/x cannot be"],
    ["output", { env: { LINNIX_OUTPUT: "/nonexist/x" } }, "LINNIX_OUTPUT /nonexist/x cannot be written"],
    ["output", { flags: { output: "/nonexist/x" } }, "--output /nonexist/x cannot be written"],
    ["api", { text: "[api]\nlisten = '0.0.0.0:3000'" }, `DIR/origins.toml:2: api.listen: ${WITHOUT_TOKEN}`],
    ["api", { env: { LINNIX_LISTEN: "0.0.0.0:3000" } }, `LINNIX_LISTEN: ${WITHOUT_TOKEN}`],
    ["api", { flags: { listen: "0.0.0.0:3000" } }, WITHOUT_TOKEN],
    ["api", { text: "[api]\ntoken_file = '/nonexist'" }, "DIR/origins.toml:2: api.token_file: the token file /nonexi"],
    [
      "api",
      { text: "[api]\ntoken_file = '/dev/null'" },
      "DIR/origins.toml:2: api.token_file: /dev/null is not a regular",
    ],
    ["api", { text: `api.token_file = '${OPEN_TOKEN}'` }, "DIR/origins.toml:1: api.token_file: others can read or ch"],
    ["api", { env: { LINNIX_API_TOKEN_FILE: "/nonexist" } }, "LINNIX_API_TOKEN_FILE: the token file /nonexist cannot"],
    ["api", { flags: { "api-token-file": "/nonexist" } }, "the token file /nonexist cannot be read"],
  ])("names the source of the value: %s %j", async (use, given, what) => {
    const error = await told(uses[use], given);
    expect(error.what).toStartWith(what);
    expect(error.exitCode).toBe(EXIT.usage);
    expect(error.hint).toBeTruthy();
  });

  test("names the same source in the hint, where other options stay", async () => {
    const fail = () => {
      const hint = "leave --cgroup out, or --cgroup-x, or set --user";
      throw cannotRunError("x", { what: "--cgroup cannot be used", why: "y", hint, setting: "filters.cgroup" });
    };
    expect(await told(fail, { text: "filters.cgroup = 1" })).toEqual({
      what: "DIR/origins.toml:1: filters.cgroup: cannot be used",
      why: "y",
      hint: "leave filters.cgroup out, or --cgroup-x, or set --user",
      exitCode: EXIT.cannotRun,
    });
    const ofVariable = await told(fail, { env: { LINNIX_CGROUP: "1" } });
    expect(ofVariable.what).toBe("LINNIX_CGROUP cannot be used");
    expect(ofVariable.hint).toStartWith("leave LINNIX_CGROUP out");
    expect((await told(fail, { flags: { cgroup: "1" } })).hint).toStartWith("leave --cgroup out, or");
  });

  test("does not confuse a token of the environment with that of the file", async () => {
    const before = process.env.LINNIX_API_TOKEN;
    process.env.LINNIX_API_TOKEN = "";
    try {
      const error = await told(uses.api, { text: "[api]\ntoken_file = '/nonexist'" });
      expect(error.what).toBe("LINNIX_API_TOKEN has no valid token");
    } finally {
      if (before === undefined) delete process.env.LINNIX_API_TOKEN;
      else process.env.LINNIX_API_TOKEN = before;
    }
  });

  test("passes every other error on unchanged", async () => {
    const origins = new Map([["run.user", "FILE:1"]]);
    const what = "x";
    for (const error of [new Error(what), usageError("x", { what }), usageError("x", { what, setting: "a.b" })]) {
      expect(await namingOrigins(origins, Promise.reject(error)).catch((reason: unknown) => reason)).toBe(error);
    }
    expect(await namingOrigins(origins, Promise.resolve(5))).toBe(5);
  });
});

test("every setting that an error names exists", () => {
  const known = SECTION_LIST.flatMap(([name, { keys }]) => Object.values(keys).map(({ toml }) => `${name}.${toml}`));
  const source = join(import.meta.dir, "../../src");
  const named = [...new Bun.Glob("**/*.ts").scanSync(source)].flatMap((path) =>
    [...readFileSync(join(source, path), "utf8").matchAll(/\bsetting: (?:\w+ \? )?"([^"]+)"/g)].map(([, name]) => name),
  );
  expect(named.length).toBeGreaterThan(6);
  for (const name of named) expect(known).toContain(name as string);
});
