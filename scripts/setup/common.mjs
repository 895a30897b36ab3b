import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname } from "node:path";

/** Administrators' programs live where an ordinary user's PATH may not lead. */
export const PATH = [process.env.PATH, "/usr/sbin", "/usr/bin", "/sbin", "/bin"].filter(Boolean).join(delimiter);

/** The set-up cannot go on; the message is for the person who started it. Exit code 3: cannot run here. */
export class CannotSetUp extends Error {
  constructor(message, exitCode = 3) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Progress goes to standard error: standard output belongs to the job. */
export function say(message) {
  process.stderr.write(`set-up: ${message}\n`);
}

/**
 * Runs a program to its end without input, its output kept. A signal that would end this process ends the program, and
 * then the set-up, so that what was begun here is also tidied up here.
 *
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
export function runQuietly(program, args, env = {}) {
  return new Promise((resolve, reject) => {
    const options = { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, PATH, ...env } };
    const child = spawn(program, args, options);
    let output = "";
    let ended;
    const end = (signal) => {
      ended = signal;
      child.kill(signal);
    };
    process.on("SIGINT", end).on("SIGTERM", end).on("SIGHUP", end);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => (output += text));
    const done = (ok) => {
      process.off("SIGINT", end).off("SIGTERM", end).off("SIGHUP", end);
      if (ended) reject(new CannotSetUp(`ended by ${ended}`, 128 + constants.signals[ended]));
      else resolve({ ok, output });
    };
    child.on("error", (error) => {
      output += error.message;
      done(false);
    });
    child.on("close", (code) => done(code === 0));
  });
}

/** The end of a program's output, which is where it says what went wrong. */
export function tail(text, lines = 15) {
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}

/**
 * Lets one set-up at a time into this directory; gives the function that ends its turn.
 * flock(1) locks the open file that it inherits from here: the lock ends with this process, however that ends.
 */
export function holdLock(path) {
  let fd;
  try {
    mkdirSync(dirname(path), { recursive: true });
    fd = openSync(path, "w");
  } catch (error) {
    // Another user's directory, in which we can change nothing: fine as long as nothing has to be changed.
    if (["EACCES", "EPERM", "EROFS"].includes(error.code)) return () => {};
    throw error;
  }
  const flock = (...args) => spawnSync("flock", [...args, "3"], { stdio: ["ignore", "ignore", "inherit", fd] });
  if (flock("--nonblock").status === 1) {
    say("waiting for another set-up in this directory");
    flock();
  }
  return () => closeSync(fd);
}
