import { readProcStat } from "../../src/procfs/proc-stat.ts";

/** A zombie: its parent does not wait for it until this object is disposed. */
export class Zombie implements AsyncDisposable {
  readonly #parent: Bun.Subprocess;
  readonly pid: number;

  private constructor(parent: Bun.Subprocess, pid: number) {
    this.#parent = parent;
    this.pid = pid;
  }

  /** The child ends after the shell's exec, because the shell may wait for a child that ends before. */
  static async make(): Promise<Zombie> {
    const parent = Bun.spawn(["/bin/sh", "-c", "/bin/sleep 600 & echo $!; exec /bin/sleep 600"], { stdout: "pipe" });
    const { value } = await parent.stdout.getReader().read();
    const zombie = new Zombie(parent, Number(new TextDecoder().decode(value)));
    while (readProcStat(parent.pid)?.comm !== "sleep") await Bun.sleep(1);
    process.kill(zombie.pid, "SIGKILL");
    while (readProcStat(zombie.pid)?.state !== "Z") await Bun.sleep(1);
    return zombie;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#parent.kill("SIGKILL");
    await this.#parent.exited;
  }
}
