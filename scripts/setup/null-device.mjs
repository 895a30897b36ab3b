import { renameSync, rmSync, statSync } from "node:fs";
import { CannotSetUp, runQuietly, say, tail } from "./common.mjs";

const PATH = "/dev/null";
/** Of the null device, as stat(2) gives it: major number 1, minor number 3. */
const NUMBER = 0x103;

/**
 * Makes /dev/null the null device again where a program replaced it by a file, for instance `git config --global` with
 * GIT_CONFIG_GLOBAL=/dev/null. With a file there, apt fails, tmux does not start, and systemd starts no service that has
 * PrivateDevices=.
 */
export async function setUpNullDevice() {
  if (process.platform !== "linux" || isNullDevice()) return;
  if (process.getuid() !== 0) {
    throw new CannotSetUp(`${PATH} is a file; as root: rm ${PATH} && mknod -m 666 ${PATH} c 1 3`);
  }
  say(`${PATH} is a file: making the null device there`);
  const aside = `${PATH}.${process.pid}`;
  const { ok, output } = await runQuietly("mknod", ["-m", "666", aside, "c", "1", "3"]);
  if (!ok) throw new CannotSetUp(`${PATH} is a file, and mknod failed:\n${tail(output)}`);
  try {
    renameSync(aside, PATH);
  } finally {
    rmSync(aside, { force: true });
  }
}

function isNullDevice() {
  const status = statSync(PATH, { throwIfNoEntry: false });
  return status?.isCharacterDevice() === true && status.rdev === NUMBER;
}
