import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Kernel } from "./kernels.ts";
import { IS_FOREIGN, MACHINE } from "./machine.ts";

/** Longest time of a guest from start to power-off, ms; another architecture is slower. */
const BOOT_TIMEOUT_MS = IS_FOREIGN ? 1_800_000 : 900_000;

/** First and last message of the guest's init on the console. */
const INIT_RUNS = "guest: init runs";
const DONE = "guest: done";

/** Results of a guest: text of its files, by path below the results directory. */
export class Results {
  readonly #directory: string;
  /** Text of its console. */
  readonly console: string;

  constructor(directory: string, console: string) {
    this.#directory = directory;
    this.console = console;
  }

  /** @throws when there is no such file */
  text(path: string): string {
    return readFileSync(join(this.#directory, path), "utf8");
  }

  has(path: string): boolean {
    return [...new Bun.Glob(path).scanSync({ cwd: this.#directory })].length > 0;
  }
}

/** The guest never reached its first process, so nothing was tested. */
export class NeverReachedInit extends Error {}

/**
 * The emulator hit a breakpoint that the kernel had put into its own code for patching and had already removed: with a
 * thread for each CPU, the emulator may run stale translated code. No loaded program can cause this.
 */
class StaleBreakpoint extends Error {}
const STALE_BREAKPOINT = /\bOops: int3\b/;

/** Boots kernels and stores the guests' results until it is disposed of. */
export class Booter implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "linnix-kernels-"));
  readonly #running = new Set<Bun.Subprocess>();
  #boots = 0;

  /** A path in its temporary directory. */
  path(name: string): string {
    return join(this.#directory, name);
  }

  /**
   * Boots a kernel; tries once more if the guest did not reach init or the emulator failed.
   * @throws NeverReachedInit if both boots failed, Error if the guest did not reach its end
   */
  async boot(kernel: Kernel, initramfs: string, commandLine: string, cpus = 2): Promise<Results> {
    try {
      return await this.#bootOnce(kernel, initramfs, commandLine, cpus);
    } catch (error) {
      if (!(error instanceof NeverReachedInit || error instanceof StaleBreakpoint)) throw error;
      return this.#bootOnce(kernel, initramfs, commandLine, cpus);
    }
  }

  async #bootOnce(kernel: Kernel, initramfs: string, commandLine: string, cpus: number): Promise<Results> {
    const directory = join(this.#directory, `boot-${++this.#boots}`);
    mkdirSync(directory);
    const archive = join(directory, "results.tar");
    const command = qemuCommand(kernel.path, initramfs, commandLine, archive, cpus);
    const child = Bun.spawn(command, {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: BOOT_TIMEOUT_MS,
      killSignal: "SIGKILL",
    });
    this.#running.add(child);
    const [console, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    this.#running.delete(child);
    const said = `${console.slice(-12_000)}\n${stderr}\n${command.map(quoted).join(" ")}`;
    if (!console.includes(INIT_RUNS)) throw new NeverReachedInit(`${kernel.release} never reached init:\n${said}`);
    if (!console.includes(DONE)) {
      const Failure = STALE_BREAKPOINT.test(console) ? StaleBreakpoint : Error;
      throw new Failure(`${kernel.release} did not come to its end:\n${said}`);
    }
    const results = join(directory, "results");
    mkdirSync(results);
    // Bytes after the end of the archive are ignored.
    const tar = Bun.spawn(["tar", "-x", "-f", archive, "-C", results, "--no-same-owner"], { stderr: "pipe" });
    if ((await tar.exited) !== 0) {
      throw new Error(`the results of ${kernel.release} are no archive: ${await new Response(tar.stderr).text()}`);
    }
    return new Results(results, console);
  }

  [Symbol.dispose](): void {
    for (const child of this.#running) child.kill("SIGKILL");
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function qemuCommand(kernel: string, initramfs: string, commandLine: string, results: string, cpus: number): string[] {
  const machine = [...MACHINE.options, "-smp", String(cpus), "-m", "1024"];
  const quiet = ["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-monitor", "none"];
  const ports = ["-serial", "stdio", ...MACHINE.port(results)];
  const terminals = `console=${MACHINE.console} linnix.results=${MACHINE.resultsPort}`;
  // An oops ends the guest, and so does a CPU that is stuck for two minutes. The console also shows warnings, because
  // the kernel prints the stacks of such CPUs as warnings.
  const ends = "panic=-1 oops=panic softlockup_panic=1 softlockup_all_cpu_backtrace=1 watchdog_thresh=60 loglevel=5";
  const append = `${terminals} ${ends} ${commandLine}`;
  return [MACHINE.qemu, ...machine, ...quiet, ...ports, "-kernel", kernel, "-initrd", initramfs, "-append", append];
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
