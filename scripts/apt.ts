import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Maximum duration of one apt command, ms. */
const APT_TIMEOUT_MS = 120_000;

/** The keys of Debian's archive, from the package debian-archive-keyring. */
export const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * apt with its own lists and packages. It neither reads nor changes those of the system, except that it uses the
 * system's mirror. apt verifies the signature of the lists, and each package by its digest in the lists.
 */
export class PrivateApt {
  readonly #environment: Record<string, string>;

  private constructor(configuration: string) {
    this.#environment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", APT_CONFIG: configuration };
  }

  /** @throws Error if apt is not installed or its mirror does not answer */
  static async open(scratch: string, suites: readonly string[], architecture = "amd64"): Promise<PrivateApt> {
    const mirror = await systemMirror();
    const lists = join(scratch, "lists");
    mkdirSync(join(lists, "partial"), { recursive: true });
    mkdirSync(join(scratch, "cache/archives/partial"), { recursive: true });
    const options = existsSync(KEYRING) ? ` [signed-by=${KEYRING}]` : "";
    const sources = join(scratch, "sources.list");
    writeFileSync(sources, suites.map((suite) => `deb${options} ${mirror} ${suite} main\n`).join(""));
    const configuration = join(scratch, "apt.conf");
    const settings = {
      "Dir::Etc::sourcelist": sources,
      "Dir::Etc::sourceparts": "/dev/null",
      "Dir::Etc::preferences": "/dev/null",
      "Dir::Etc::preferencesparts": "/dev/null",
      "Dir::State::lists": lists,
      // With the status of the system, apt would choose the installed version.
      "Dir::State::status": "/dev/null",
      "Dir::Cache": join(scratch, "cache"),
      "APT::Architecture": architecture,
      "APT::Architectures": architecture,
      "APT::Sandbox::User": "root",
      "Acquire::Retries": "2",
      "Acquire::http::Timeout": "20",
      "Acquire::https::Timeout": "20",
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
    writeFileSync(configuration, lines.join(""));
    const apt = new PrivateApt(configuration);
    // apt-get update succeeds even if it could not read some or all suites.
    await apt.#run("the mirror's lists of packages cannot be read", ["apt-get", "-q", "update"]);
    if ((await apt.packageNames()).every((name) => name === "")) throw new Error("the mirror does not answer");
    return apt;
  }

  /** Names of packages that begin with `prefix`. */
  async packageNames(prefix = ""): Promise<string[]> {
    const text = await this.#run("apt-cache knows no packages", ["apt-cache", "pkgnames", prefix]);
    return text.split("\n");
  }

  /** Downloads a package into a directory. @param name `NAME` or `NAME=VERSION` */
  async download(name: string, directory: string): Promise<void> {
    await this.#run(`${name} cannot be downloaded`, ["apt-get", "-q", "download", name], directory);
  }

  async #run(problem: string, command: string[], cwd = "/"): Promise<string> {
    return run(problem, command, { cwd, env: this.#environment });
  }
}

/** The Debian mirror from which this system gets its packages. */
export async function systemMirror(): Promise<string> {
  const format = "$(COMPONENT) $(REPO_URI)";
  const options = { cwd: "/", env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" } };
  const text = await run("there is no apt here", ["apt-get", "indextargets", "--format", format], options);
  const mirrors = text.split("\n").flatMap((line) => /^main (\S+\/debian\/)$/.exec(line)?.[1] ?? []);
  if (mirrors[0] === undefined) throw new Error("this system does not get its packages from a Debian mirror");
  return mirrors[0];
}

/** @throws Error with `problem` and the last line of the command's stderr, without URLs */
async function run(problem: string, command: string[], options: { cwd: string; env: Record<string, string> }) {
  let child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  try {
    child = Bun.spawn(command, {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: APT_TIMEOUT_MS,
      ...options,
    });
  } catch {
    throw new Error(`${problem}: there is no ${command[0]}`);
  }
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) === 0) return stdout;
  const said = stderr.trim().split("\n").at(-1) ?? "";
  throw new Error(`${problem}: ${said.replace(/\bhttps?:\S+/g, "…")}`);
}
