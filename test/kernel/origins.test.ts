/** Values that turn out to be invalid only at the start or at a reload: the error names their source. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT } from "../../src/errors.ts";
import { CollectRun, until } from "./support/collect-run.ts";
import { titled, whyNotHere } from "./support/needs.ts";

setDefaultTimeout(60_000);

const reason = whyNotHere();
const directory = mkdtempSync(join(tmpdir(), "linnix-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

describe.skipIf(reason !== null)(titled("a value that is invalid on this machine", reason), () => {
  test.each([
    ["output.file", "LINNIX_OUTPUT ", "/no/such/file", "cannot be written: its folder does not exist"],
    ["filters.cgroup", "LINNIX_CGROUP ", "/no/such", "is not known: there is no such cgroup below"],
    ["api.listen", "LINNIX_LISTEN: cannot listen at ", "0.0.0.0:1", "without a token: other machines"],
  ])("ends the start with an error that names its source: %s", async (key, variable, value, told) => {
    const path = file("start.toml", `\n${key} = '${value}'\n`);
    const fromFile = await CollectRun.toEnd(["--config", path, "--duration", "1s"]);
    expect(fromFile.exitCode).toBe(EXIT.usage);
    const [, words = ""] = variable.split(": ");
    expect(fromFile.stderr).toStartWith(`linnix: ${path}:2: ${key}: ${words}${value} ${told}`);
    const env = { PATH: process.env.PATH ?? "", [variable.replace(/[: ].*/, "")]: value };
    const fromVariable = await CollectRun.toEnd(["--duration", "1s"], { env });
    expect(fromVariable.exitCode).toBe(EXIT.usage);
    expect(fromVariable.stderr).toStartWith(`linnix: ${variable}${value} ${told}`);
  });

  test("changes nothing at a reload, and the error names file, line and key", async () => {
    const token = file("token", "open-sesame-open-sesame");
    const text = `[api]\nlisten = 'unix:${directory}/socket'\ntoken_file = '${token}'\n`;
    const path = file("reload.toml", text);
    await using collect = await CollectRun.start(["--config", path]);
    chmodSync(token, 0o644);
    file("reload.toml", `${text}[retention]\nlinger = '1s'\n`);
    collect.child.kill("SIGHUP");
    const stays = `linnix: error: the configuration stays as it was: ${path}:3: api.token_file: others can read or change`;
    await until("what is wrong", () => collect.stderr.includes(stays));
    chmodSync(token, 0o600);
    collect.child.kill("SIGHUP");
    await until("what has changed", () => collect.stderr.includes('read again: retention.linger = "1s"'));
    await collect.stop();
  });
});
