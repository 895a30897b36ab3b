import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listedCommands } from "../../src/commands/index.ts";
import { SECTION_LIST } from "../../src/config/schema.ts";
import { EXIT } from "../../src/errors.ts";
import { titled, whyNoTerminal } from "../kernel/support/needs.ts";

const MAIN = join(import.meta.dir, "../../src/main.ts");
const directory = mkdtempSync(join(tmpdir(), "linnix-test-"));
chmodSync(directory, 0o755);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Environment variables of an ordinary user, without those of linnix. */
const ENV = { PATH: process.env.PATH ?? "/usr/bin:/bin", HOME: directory, TERM: "xterm" };

interface Result {
  stdout: string;
  stderr: string;
  exitCode: number | null;
}

function run(command: readonly string[], env: Record<string, string> = {}): Result {
  const { stdout, stderr, exitCode } = Bun.spawnSync([...command], { env: { ...ENV, ...env }, cwd: directory });
  return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode };
}

function linnix(args: readonly string[], env: Record<string, string> = {}): Result {
  return run([process.execPath, MAIN, ...args], env);
}

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text, { mode: 0o644 });
  return path;
}

/** Expects one message, `linnix: …`, with the hint on its own line. */
function expectOneMessage({ stdout, stderr, exitCode }: Result, ...parts: string[]): void {
  expect(stderr).toMatch(/^linnix: [^\n]+\n( {2}[^\n]+\n)?$/);
  for (const part of parts) {
    expect(stderr).toContain(part);
  }
  expect(stdout).toBe("");
  expect(exitCode).toBe(EXIT.usage);
}

describe("help", () => {
  test("of the program lists the commands on stdout", () => {
    const { stdout, stderr, exitCode } = linnix(["--help"]);
    expect(exitCode).toBe(EXIT.ok);
    expect(stderr).toBe("");
    for (const { name, description } of listedCommands()) {
      expect(stdout).toContain(`  ${name}`);
      expect(stdout.replace(/\s+/g, " ")).toContain(description);
    }
    expect(stdout).not.toContain("__");
    expect(linnix(["help"]).stdout).toBe(stdout);
    expect(linnix(["-h"]).stdout).toBe(stdout);
  });

  test("without a command is printed to stderr, as wrong use", () => {
    const { stdout, stderr, exitCode } = linnix([]);
    expect(exitCode).toBe(EXIT.usage);
    expect(stdout).toBe("");
    expect(stderr).toBe(linnix(["--help"]).stdout);
  });

  test.each(listedCommands().map(({ name }) => name))("of %s has usage, options, examples and exit codes", (name) => {
    const { stdout, stderr, exitCode } = linnix([name, "--help"]);
    expect(exitCode).toBe(EXIT.ok);
    expect(stderr).toBe("");
    for (const part of [`Usage: linnix ${name} [OPTION]...`, "--config FILE", "Examples:", "Exit codes:", "  2  "]) {
      expect(stdout).toContain(part);
    }
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(linnix(["help", name]).stdout).toBe(stdout);
  });

  test("--all of collect has every setting with its default", () => {
    const { stdout } = linnix(["collect", "--help", "--all"]);
    expect(linnix(["help", "--all", "collect"]).stdout).toBe(stdout);
    expect(linnix(["collect", "--all", "-h"]).stdout).toBe(stdout);
    for (const [, { keys }] of SECTION_LIST) {
      for (const { flag } of Object.values(keys)) {
        expect(stdout).toMatch(new RegExp(` --${flag}( |\\[=)`));
      }
    }
    expect(stdout).toContain("[16MiB]");
  });
});

describe("version", () => {
  test("is one line; --verbose adds the parts", () => {
    const { stdout, exitCode } = linnix(["--version"]);
    expect(exitCode).toBe(EXIT.ok);
    expect(stdout).toMatch(/^linnix \d+\.\d+\.\d+\n$/);
    expect(linnix(["collect", "-V"]).stdout).toBe(stdout);
    const verbose = linnix(["--version", "--verbose"]).stdout;
    expect(verbose).toStartWith(stdout);
    expect(verbose).toContain("libbpf");
  });

  test("--verbose is accepted by overhead-test", () => {
    expectOneMessage(linnix(["overhead-test", "--verbose", "--rate", "none"]), "--rate");
    expect(linnix(["overhead-test", "--help"]).stdout).toMatch(/--verbose +print every figure/);
  });

  test("--verbose alone is an error", () => {
    expectOneMessage(linnix(["--verbose"]), "--verbose", "--version");
  });

  test("--all without --help is an error", () => {
    expectOneMessage(linnix(["--all"]), "--all", "--help");
    expectOneMessage(linnix(["doctor", "--all"]), "--all", "--help");
  });
});

describe("wrong use", () => {
  test.each<[string[], string[]]>([
    [["colect"], ['unknown command "colect"', "did you mean collect?"]],
    [["version"], ["did you mean --version?"]],
    [["hlep"], ["did you mean help?"]],
    [["xyzzy"], ['unknown command "xyzzy"', "known: collect"]],
    [["help", "colect"], ['unknown command "colect"']],
    [
      ["--format", "jsonl", "collect"],
      ["unknown option --format", "follow its name"],
    ],
    [
      ["collect", "--frmat", "jsonl"],
      ["unknown option --frmat", "did you mean --format?"],
    ],
    [
      ["collect", "--format", "json"],
      ['--format "json"', "did you mean jsonl?", "auto, pretty, jsonl, none"],
    ],
    [
      ["collect", "--duration"],
      ["--duration", "needs a value", "--duration DURATION"],
    ],
    [
      ["collect", "--duration", "ten"],
      ['--duration "ten"', "not a duration", "such as 10s"],
    ],
    [
      ["collect", "--summary-interval", "9999999h"],
      ['--summary-interval "9999999h"', "more than 1h", "such as 10s"],
    ],
    [
      ["test", "--duration", "10"],
      ['--duration "10"', "has no unit", "from 500ms to 55m, such as 60s"],
    ],
    [
      ["compare", "--duration", "700h"],
      ['--duration "700h"', "more than 10m", "from 500ms to 10m"],
    ],
    [
      ["test", "--pid", "1,x"],
      ['--pid "x"', "not a whole number"],
    ],
    [
      ["collect", "--ring-size=3MB"],
      ['--ring-size "3MB"', "not a size", "such as 256KiB"],
    ],
    [
      ["collect", "--output", "a", "--output", "b"],
      ['--output "b"', 'given before, with "a"'],
    ],
    [["collect", "all"], ['unexpected argument "all"']],
    [["collect", "--print-config", "--check-config"], ["only one can be done"]],
    [
      ["collect", "--config", "/nonexistent/linnix.toml"],
      ["/nonexistent/linnix.toml", "no such file"],
    ],
    [["collect", "--config", "/"], ["it is a directory"]],
    [
      ["doctor", "--jsn"],
      ["unknown option --jsn", "did you mean --json?"],
    ],
    [["doctor", "--format", "jsonl"], ["unknown option --format"]],
    [["doctor", "--config", "/nonexistent/linnix.toml"], ["no such file"]],
    [
      ["collect", "--comm", "evil\u001b[31m\nname"],
      ["--comm", "bytes"],
    ],
    [["\u001b[31mred\n"], ["unknown command"]],
  ])("%j is one message and exit code 2", (args, parts) => {
    const result = linnix(args);
    expectOneMessage(result, ...parts);
    expect(result.stderr).not.toContain("\u001b");
  });

  test("in the environment: the error names the variable", () => {
    expectOneMessage(linnix(["collect"], { LINNIX_FORMAT: "xml" }), 'LINNIX_FORMAT "xml"', "expected one of");
  });

  test("in the file: the error names file, line and key", () => {
    const path = file("wrong.toml", "[ring]\n\nsze = '1MiB'\n");
    expectOneMessage(linnix(["collect", "--config", path]), `${path}:3: ring.sze`, "did you mean ring.size?");
    expectOneMessage(linnix(["collect"], { LINNIX_CONFIG: path }), `${path}:3: ring.sze`);
    const broken = file("broken.toml", "[ring]\nsize = 1MiB\n");
    expectOneMessage(linnix(["doctor", "--config", broken]), `${broken}:2`, "not TOML", '"1MiB"');
  });

  test("prints its stack only at log level debug, and nothing at silent", () => {
    expect(linnix(["collect", "--duration", "x"]).stderr).not.toContain("    at ");
    expect(linnix(["--log-level", "debug", "collect", "--duration", "x"]).stderr).toContain("    at ");
    expect(linnix(["collect", "--duration", "x", "--log-level=debug"]).stderr).toContain("    at ");
    expect(linnix(["collect", "--duration", "x"], { LINNIX_LOG_LEVEL: "debug" }).stderr).toContain("    at ");
    const silent = linnix(["collect", "--duration", "x", "--log-level", "silent"]);
    expect(silent).toEqual({ stdout: "", stderr: "", exitCode: EXIT.usage });
  });
});

describe("configuration", () => {
  test("the output of --print-config is a valid configuration with the same values", () => {
    const first = linnix(["collect", "--print-config", "--ring-size", "1MiB", "--pid", "1,2", "--pid=3"]);
    expect(first.exitCode).toBe(EXIT.ok);
    expect(first.stderr).toBe("");
    expect(first.stdout).toContain("pid = [1, 2, 3]  # --pid\n");
    const path = file("printed.toml", first.stdout);
    const second = linnix(["collect", "--print-config", "--config", path]);
    const bare = (text: string) => text.replace(/ {2}# .*$/gm, "");
    expect(bare(second.stdout)).toBe(bare(first.stdout));
    expect(second.stdout).toContain(`# ${path}:`);
  });

  test("--check-config reports a valid file, and runs nothing", () => {
    const path = file("right.toml", "[output]\nfile = 'never-written.jsonl'\n");
    expect(linnix(["collect", "--check-config", "--config", path])).toEqual({
      stdout: `${path}: ok\n`,
      stderr: "",
      exitCode: EXIT.ok,
    });
    expect(existsSync(join(directory, "never-written.jsonl"))).toBe(false);
  });

  test("--check-config checks that accounts, files and addresses of the settings exist", () => {
    const check = (...args: string[]) => linnix(["collect", "--check-config", ...args]);
    expectOneMessage(check("--user", "no-such-user"), "--user no-such-user is not known");
    expectOneMessage(check("--listen", "0.0.0.0:3000"), "cannot listen at 0.0.0.0:3000 without a token");
    expectOneMessage(check("--listen", "127.0.0.1:3000", "--api-token-file", "/nonexistent"), "/nonexistent");
    const env = { LINNIX_API_TOKEN: "open-sesame-open-sesame" };
    expect(linnix(["collect", "--check-config", "--listen", "0.0.0.0:3000"], env).exitCode).toBe(EXIT.ok);
  });

  test.each([
    ["run.user", "no-such-user", "LINNIX_USER ", "no-such-user is not known: there is no such account"],
    ["filters.cgroup", "/no/such", "LINNIX_CGROUP ", "/no/such is not known: there is no such cgroup"],
    ["api.listen", "0.0.0.0:1", "LINNIX_LISTEN: ", "cannot listen at 0.0.0.0:1 without a token"],
  ])("--check-config names the source of a value that is invalid on this machine: %s", (key, value, variable, told) => {
    const path = file("impossible.toml", `# x\r\n${key} = '${value}'\r\n`);
    expectOneMessage(linnix(["collect", "--check-config", "--config", path]), `linnix: ${path}:2: ${key}: ${told}`);
    const env = { [variable.replace(/:? $/, "")]: value };
    expectOneMessage(linnix(["collect", "--check-config"], env), `linnix: ${variable}${told}`);
  });

  test("--check-config checks the token that an address needs", () => {
    const token = file("token", "open-sesame-open-sesame");
    const path = file("token.toml", `[api]\nlisten = '0.0.0.0:1'\ntoken_file = '${token}'\n`);
    const check = () => linnix(["collect", "--check-config", "--config", path]);
    expectOneMessage(check(), `${path}:3: api.token_file: others can read or change ${token}`, `chmod 600 ${token}`);
    chmodSync(token, 0o600);
    expect(check().exitCode).toBe(EXIT.ok);
    writeFileSync(token, "");
    expectOneMessage(check(), `${path}:3: api.token_file: ${token} has no valid token: it is empty`);
    rmSync(token);
    expectOneMessage(check(), `${path}:3: api.token_file: the token file ${token} cannot be read`);
  });

  test("a start reports the same errors, and both refuse page faults with the tracepoint backend", () => {
    const user = file("user.toml", "[run]\nuser = 'no-such-user'\n");
    expectOneMessage(linnix(["collect", "--config", user]), `${user}:2: run.user: no-such-user is not known`);
    const faults = file("faults.toml", "[probes]\npage_faults = true\nbackend = 'tracepoint'\n");
    for (const args of [["collect"], ["collect", "--check-config"]]) {
      expectOneMessage(linnix([...args, "--config", faults]), `${faults}:2: probes.page_faults = true: only the btf`);
    }
  });

  test("--print-config prints every daemon setting from option, environment and file", () => {
    const path = file(
      "daemon.toml",
      [
        "[probes]\npage_faults = true",
        "[sampling]\ninterval = '5s'\nrss_threshold = '64KiB'",
        "[api]\nlisten = 'unix:/run/linnix.sock'\ntoken_file = '/etc/linnix/token'\nmax_clients = 3",
        "allow_origins = ['https://dash.example']\nhistory = 0\nheartbeat = '5s'",
        "[budget]\ncpu = 2",
        "[redaction]\nredact = true\npatterns = ['token=(\\S{1,9})', 'x']",
      ].join("\n"),
    );
    const fromFile = linnix(["collect", "--print-config", "--config", path]).stdout;
    for (const line of [
      "page_faults = true",
      'interval = "5s"',
      'rss_threshold = "64KiB"',
      'listen = "unix:/run/linnix.sock"',
      'token_file = "/etc/linnix/token"',
      "max_clients = 3",
      'allow_origins = ["https://dash.example"]',
      "history = 0",
      'heartbeat = "5s"',
      'cpu = "2%"',
      "redact = true",
      'patterns = ["token=(\\\\S{1,9})", "x"]',
    ]) {
      expect(fromFile).toMatch(new RegExp(`^${RegExp.escape(line)}  # ${RegExp.escape(path)}:\\d+$`, "m"));
    }
    const env = {
      LINNIX_SAMPLE_INTERVAL: "0",
      LINNIX_LISTEN: "off",
      LINNIX_CPU_BUDGET: "0.5%",
      LINNIX_REDACT: "true",
      LINNIX_REDACT_PATTERN: "a{1,2},b",
      LINNIX_API_TOKEN: "open-sesame-open-sesame",
    };
    const fromEnv = linnix(["collect", "--print-config", "--page-faults=false", "--config", path], env);
    expect(fromEnv.stderr).toBe("");
    expect(fromEnv.stdout).toContain("page_faults = false  # --page-faults\n");
    expect(fromEnv.stdout).toContain('interval = "0"  # LINNIX_SAMPLE_INTERVAL\n');
    expect(fromEnv.stdout).toContain('# listen = "127.0.0.1:3000"  # not set\n');
    expect(fromEnv.stdout).toContain('cpu = "0.5%"  # LINNIX_CPU_BUDGET\n');
    expect(fromEnv.stdout).toContain('patterns = ["a{1,2},b"]  # LINNIX_REDACT_PATTERN\n');
    expect(fromEnv.stdout).not.toContain("open-sesame-open-sesame");
    expect(linnix(["collect", "--check-config", "--config", path], env).stdout).toBe(`${path}: ok\n`);
  });

  test("a boolean option may stand alone, and accepts its value only after =", () => {
    const printed = linnix(["collect", "--print-config", "--redact"]).stdout;
    expect(printed).toContain("redact = true  # --redact\n");
    expectOneMessage(linnix(["collect", "--redact=yes"]), '--redact "yes"', "expected true or false");
    expectOneMessage(linnix(["collect", "--redact", "true"]), 'unexpected argument "true"');
  });

  test("a file that other users can write is refused", () => {
    const path = file("open.toml", "");
    chmodSync(path, 0o666);
    expectOneMessage(linnix(["collect", "--check-config", "--config", path]), path, `chmod o-w ${path}`);
  });

  test("an unknown variable causes a warning on stderr, which --log-level error hides", () => {
    const path = file("doubtless.toml", "");
    const args = ["collect", "--check-config", "--config", path];
    const result = linnix(args, { LINNIX_FORMT: "x" });
    expect(result.exitCode).toBe(EXIT.ok);
    expect(result.stdout).toBe(`${path}: ok\n`);
    expect(result.stderr).toContain("did you mean LINNIX_FORMAT?");
    expect(linnix([...args, "--log-level", "error"], { LINNIX_FORMT: "x" }).stderr).toBe("");
  });
});

describe("terminal", () => {
  const noTerminal = whyNoTerminal("script");

  /** Runs linnix on a pseudo-terminal; script(1) runs a shell command line, so no argument may need quotes. */
  function onTerminal(args: readonly string[], env: Record<string, string> = {}): string {
    return run(["script", "-qec", [process.execPath, MAIN, ...args].join(" "), "/dev/null"], env).stdout;
  }

  test.skipIf(noTerminal !== null)(
    titled("auto selects the pretty format and a short flush interval", noTerminal),
    () => {
      const shown = onTerminal(["collect", "--print-config"]);
      expect(shown).toContain("here: pretty");
      expect(shown).toContain("here: 200ms");
      expect(linnix(["collect", "--print-config"]).stdout).toContain("here: jsonl");
    },
  );

  test.skipIf(noTerminal !== null)(
    titled("warnings are coloured only there, and not if colour is off", noTerminal),
    () => {
      const args = ["collect", "--check-config"];
      const env = { LINNIX_FORMT: "x" };
      expect(onTerminal(args, env)).toContain("\u001b[33mwarning");
      expect(onTerminal([...args, "--no-color"], env)).not.toContain("\u001b");
      expect(onTerminal(args, { ...env, NO_COLOR: "1" })).not.toContain("\u001b");
      expect(onTerminal(args, { ...env, TERM: "dumb" })).not.toContain("\u001b");
      expect(linnix(args, env).stderr).not.toContain("\u001b");
    },
  );
});

describe("stdout", () => {
  const shell = (script: string) => run(["sh", "-c", script, "sh", process.execPath, MAIN]);

  test("closed by its reader: linnix ends without an error", () => {
    const { stderr } = shell('{ sleep 0.3; "$1" "$2" collect --help; echo "exit $?" >&2; } | true');
    expect(stderr).toBe("exit 0\n");
  });

  test("on a full disk: linnix reports an error with its cause", () => {
    const { stderr, exitCode } = shell('"$1" "$2" --version > /dev/full');
    expect(exitCode).toBe(EXIT.cannotRun);
    expect(stderr).toBe("linnix: cannot write to stdout: no space left on device\n");
  });

  test("into a slow pipe: linnix writes all text", () => {
    const { stdout } = shell('"$1" "$2" collect --help | { sleep 0.3; cat; }');
    expect(stdout).toBe(linnix(["collect", "--help"]).stdout);
  });

  test("closed stderr: the exit code stays the same", () => {
    expect(shell('"$1" "$2" collect --duration x 2>&-').exitCode).toBe(EXIT.usage);
  });
});

describe("an argument that is not UTF-8", () => {
  const shell = (script: string) => run(["sh", "-c", script, "sh", process.execPath, MAIN]);

  test.each<[string, string, string, string]>([
    ["--output", "collect --output \"$(printf 'a\\377')\"", '--output "a\ufffd"', "make a link to it"],
    ["--api-token-file", "collect --api-token-file=$(printf 'a\\377')", '"a\ufffd": not UTF-8', "make a link to it"],
    ["--config", "collect --config $(printf 'a\\377')", 'configuration file "a\ufffd"', "make a link to it"],
    ["--json", "overhead-test --json $(printf 'a\\377')", '--json "a\ufffd"', "make a link to it"],
    ["a command", "overhead-test -- true $(printf 'a\\377')", '"a\ufffd" after --', "a script"],
  ])("is refused, because it would name another file: %s", (_what, words, named, hint) => {
    expectOneMessage(shell(`"$1" "$2" ${words}`), "not UTF-8", named, hint);
    expect(readdirSync(directory).filter((name) => name.includes("\ufffd"))).toEqual([]);
  });
});

describe("without privileges", () => {
  const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const isRoot = process.geteuid?.() === 0;
  const canRun = isRoot && run([...NOBODY, process.execPath, MAIN, "--version"]).exitCode === 0;
  const why = isRoot ? "needs a source tree that every user can read" : "needs root to change the user";

  test.skipIf(!canRun)(`help, version and configuration work (${why})`, () => {
    const nobody = (...args: string[]) => run([...NOBODY, process.execPath, MAIN, ...args]);
    expect(nobody("--help").exitCode).toBe(EXIT.ok);
    expect(nobody("collect", "--print-config").stdout).toContain("[ring]");
    expect(nobody("collect", "--check-config").exitCode).toBe(EXIT.ok);
    const path = file("secret.toml", "");
    chmodSync(path, 0o600);
    expectOneMessage(nobody("collect", "--check-config", "--config", path), path, "permission denied");
  });

  test.skipIf(!canRun)(`top without a terminal does not suggest --connect, which needs a terminal too (${why})`, () => {
    const { exitCode, stderr } = run([...NOBODY, process.execPath, MAIN, "top"]);
    expect(exitCode).toBe(EXIT.cannotRun);
    expect(stderr).toContain("--once prints one refresh as text");
    expect(stderr).not.toContain("--connect");
  });
});

test("only main.ts ends the program", () => {
  for (const path of new Bun.Glob("**/*.ts").scanSync(join(import.meta.dir, "../../src"))) {
    if (path !== "main.ts") {
      const source = readFileSync(join(import.meta.dir, "../../src", path), "utf8");
      expect({ path, exits: /process\.exit(Code)?\b/.test(source) }).toEqual({ path, exits: false });
    }
  }
});
