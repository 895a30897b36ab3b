import { afterAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LinnixError } from "../../src/errors.ts";
import { startMadeUp } from "./made-up.ts";

const folder = mkdtempSync(join(tmpdir(), "linnix-socket-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ask = (path: string) => fetch("http://localhost/healthz", { unix: path });

async function refusal(path: string): Promise<string> {
  try {
    await using _server = await startMadeUp({ listen: `unix:${path}` });
    return "taken";
  } catch (error) {
    if (error instanceof LinnixError) return `${error.exitCode}: ${error.why}`;
    throw error;
  }
}

describe("a Unix socket", () => {
  test("is its owner's alone, needs no token, and is gone at the end", async () => {
    const path = join(folder, "a.sock");
    {
      await using server = await startMadeUp({ listen: `unix:${path}` });
      expect(server.api.url).toBe(`unix:${path}`);
      expect(lstatSync(path).mode & 0o777).toBe(0o600);
      expect(readdirSync(folder)).toEqual(["a.sock"]);
      expect((await ask(path)).status).toBe(200);
      expect((await fetch("http://evil.example/status", { unix: path })).status).toBe(200);
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a dead one is replaced, a live one and anything else is left alone", async () => {
    const path = join(folder, "b.sock");
    const dead = Bun.spawnSync([
      process.execPath,
      "-e",
      `Bun.serve({ unix: ${JSON.stringify(path)}, fetch: () => new Response() }); process.kill(process.pid, "SIGKILL");`,
    ]);
    expect(dead.signalCode).toBe("SIGKILL");
    expect(existsSync(path)).toBe(true);
    {
      await using _server = await startMadeUp({ listen: `unix:${path}` });
      expect((await ask(path)).status).toBe(200);
      expect(await refusal(path)).toBe("3: another program listens there");
      expect((await ask(path)).status).toBe(200);
    }
    const file = join(folder, "file");
    writeFileSync(file, "precious");
    expect(await refusal(file)).toBe("3: something is there that is no socket");
    symlinkSync(file, join(folder, "link"));
    expect(await refusal(join(folder, "link"))).toBe("3: something is there that is no socket");
    expect(readFileSync(file, "utf8")).toBe("precious");
    expect(await refusal(join(folder, "none", "c.sock"))).toStartWith("3: ENOENT");
    expect(await refusal(join(folder, "x".repeat(120)))).toStartWith("2: at most");
  });

  test("what took its place meanwhile stays", async () => {
    const path = join(folder, "d.sock");
    {
      await using _server = await startMadeUp({ listen: `unix:${path}` });
      rmSync(path);
      writeFileSync(path, "another's");
    }
    expect(readFileSync(path, "utf8")).toBe("another's");
  });
});
