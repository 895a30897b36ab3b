/** The binary prints exactly the screens of README's section "Install". */
import { describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT } from "../../src/errors.ts";
import { BINARY, reasonOf, titled } from "../kernel/support/needs.ts";

interface Screen {
  /** Where the command runs: the text after `#`. */
  where: string;
  args: string[];
  exitCode: number;
  lines: string[];
}

/** Screens of README: `$ ./linnix ARGS   # WHERE; exit code N` and the lines after it. `…` matches any text. */
function screens(): Screen[] {
  const readme = readFileSync(join(import.meta.dir, "../../README.md"), "utf8");
  const block = /```console\n(\$ \.\/linnix[^\0]*?)```/.exec(readme)?.[1] ?? "";
  return block
    .split(/^\$ \.\/linnix/m)
    .slice(1)
    .map((text) => {
      const [head = "", ...lines] = text.trimEnd().split("\n");
      const [, args = "", where = "", code] = /^(.*?)\s*# (.*); exit code (\d+)$/.exec(head) ?? [];
      return { where, args: args.trim().split(" ").filter(Boolean), exitCode: Number(code), lines };
    });
}

/** The default capabilities of a container. */
const CONTAINER = [
  ..."chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw".split(" "),
  ..."sys_chroot mknod audit_write setfcap".split(" "),
]
  .map((name) => `+${name}`)
  .join(",");

const AS_ORDINARY_USER = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
const AS_ROOT_OF_CONTAINER = [
  ...["unshare", "--pid", "--fork", "--mount-proc"],
  ...["setpriv", `--bounding-set=-all,${CONTAINER}`, `--inh-caps=-all,${CONTAINER}`],
];
const ON_OLD_KERNEL = ["setarch", process.arch === "x64" ? "x86_64" : "aarch64", "--uname-2.6"];

/** The command that runs linnix in each place. */
const PLACES: Record<string, string[]> = {
  "alone: the help": [],
  "without root": AS_ORDINARY_USER,
  "as root of an ordinary container": AS_ROOT_OF_CONTAINER,
  "on an old kernel": ON_OLD_KERNEL,
};

test("README shows the four screens", () => {
  expect(screens().map(({ where }) => where)).toEqual(Object.keys(PLACES));
});

const reason = reasonOf(
  process.geteuid?.() !== 0 && "needs root",
  !existsSync(BINARY) && "needs dist/linnix: npm run build",
);
describe.skipIf(reason !== null)(titled("dist/linnix", reason), () => {
  test.each(screens().map((screen) => [screen.where, screen] as const))(
    "%s: the binary prints the screen of README",
    (where, screen) => {
      const directory = mkdtempSync(join(tmpdir(), "linnix-screens-"));
      try {
        const binary = join(directory, "linnix");
        copyFileSync(BINARY, binary);
        chmodSync(directory, 0o755);
        const command = [...(PLACES[where] ?? []), binary, ...screen.args];
        const env = { PATH: "/usr/bin:/bin", NO_COLOR: "1" };
        const done = Bun.spawnSync(command, { cwd: "/", env, stdin: null });
        const all = done.stderr.toString().trimEnd().split("\n");
        // README shows only the first line of the help.
        const lines = screen.exitCode === EXIT.usage ? all.slice(0, screen.lines.length) : all;
        expect(lines.length).toBe(screen.lines.length);
        for (const [index, line] of lines.entries()) expect(line).toMatch(pattern(screen.lines[index] ?? ""));
        expect({ stdout: done.stdout.toString(), exitCode: done.exitCode }).toEqual({
          stdout: "",
          exitCode: screen.exitCode,
        });
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    },
  );
});

function pattern(line: string): RegExp {
  return new RegExp(`^${line.split("…").map(RegExp.escape).join(".*")}$`);
}
